"""How the numbers of a result are written in tables: ASCII, which survives any terminal and any pipe."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOTHING = "-"
"""Stands for a number that is not there."""


def percent(share: float | None) -> str:
    """0.9762 as "97.6"; None, which is what JSON has for NaN, as "-"."""
    return NOTHING if share is None else f"{100 * share:.1f}"


def interval(measure: Mapping[str, Any]) -> str:
    """The 95 % interval of an accuracy in percent: "96.0-98.7"."""
    low, high = measure.get("ci95") or (None, None)
    return NOTHING if low is None else f"{percent(low)}-{percent(high)}"


def items(measure: Mapping[str, Any], what: str) -> str:
    """How many items a measure is of, and of how many groups where some count as less.

    what: the name of the items: "180 test images of 12 groups".
    """
    text = f"{measure['n']:,} {what}"
    return f"{text} of {measure['groups']:,} groups" if measure.get("groups") else text


def size_headers(measures: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns for how many items measures are of, and of how many groups if one of them has some."""
    return ["n", "groups"] if any(measure.get("groups") for measure in measures) else ["n"]


def size_cells(measure: Mapping[str, Any], headers: Sequence[str]) -> list[str]:
    """What stands in the columns of `size_headers`: "1,200" and "80"."""
    groups = measure.get("groups")
    return [f"{measure['n']:,}", f"{groups:,}" if groups else ""][: len(headers)]


def points(difference: float | None) -> str:
    """A difference of accuracies in percentage points, with its sign: "+1.2"."""
    return NOTHING if difference is None else f"{100 * difference:+.1f}"


def points_interval(measure: Mapping[str, Any]) -> str:
    """The 95 % interval of a difference, with signs: "-2.3,+0.4"."""
    low, high = measure.get("ci95") or (None, None)
    return NOTHING if low is None else f"{points(low)},{points(high)}"


def count(number: int) -> str:
    """A large count in a few digits: "14.7 M", "25.1 k", "513"."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= 0.99995 * size:  # 999,960 is 1.0 M, not 1000.0 k
            return f"{number / size:.1f} {unit}"
    return str(number)
