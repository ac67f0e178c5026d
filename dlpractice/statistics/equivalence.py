"""What the interval of a difference says: better, worse, the same for practical purposes, or nothing yet.

That zero lies in an interval is no sign that two things are equal: few images leave room for any difference.
Equality takes an interval that lies within a margin as a whole (Schuirmann, J. Pharmacokinet. Biopharm. 15,
1987).
"""

import math
from collections.abc import Mapping
from typing import Literal

Relation = Literal["better", "worse", "as good", "cannot tell"]

MARGIN = 0.02
"""Differences of accuracy up to two points are taken for none."""


def relate(interval: tuple[float, float], margin: float = MARGIN) -> Relation:
    """How a thing stands to another, by the interval (low, high) of the difference of their accuracies."""
    low, high = interval
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "as good" if -margin <= low and high <= margin else "cannot tell"


def count_needed(interval: tuple[float, float], n: float, margin: float = MARGIN) -> int:
    """About how many examples it takes to tell equality, where `n` gave `interval`.

    That is, if there is no difference: half an interval shrinks with the root of the number of examples.
    """
    half = (interval[1] - interval[0]) / 2
    return max(math.ceil(n), math.ceil(n * (half / margin) ** 2))


def describe_relations(named: Mapping[str, tuple[tuple[float, float], float]], to: str) -> list[str]:
    """A line for each relation that things have to the one called `to`, with the names of those that have it.

    named: by name, the interval of the difference to it and the number of examples behind that.
    """
    lines = []
    for relation, words in _WORDS.items():
        found = {name: pair for name, pair in named.items() if relate(pair[0]) == relation}
        if not found:
            continue
        line = f"{words.format(to=to, margin=100 * MARGIN)}: {', '.join(found)}"
        if relation == "cannot tell":
            most = max(count_needed(interval, n) for interval, n in found.values())
            line += f"; about {_round_up(most):,} images could tell whether within {100 * MARGIN:g} points"
        lines.append(line)
    return lines


_WORDS: Mapping[Relation, str] = {
    "better": "better than {to} by more than noise",
    "as good": "as good as {to}, within {margin:g} points",
    "worse": "worse than {to} by more than noise",
    "cannot tell": "too few images to tell from {to}",
}


def _round_up(count: int) -> int:
    """`count` with two leading digits: more would promise what an estimate does not hold."""
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit
