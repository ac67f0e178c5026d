"""Items that are right or wrong together: which ones belong together, and how many independent ones they are
worth."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from dlpractice.statistics.quantiles import Z95, student_quantile


def choose_groups(alphabets: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """The group of each item: its alphabet where there are several alphabets, else its class.

    An interval holds for new groups of the kind that it is clustered by. With a single alphabet, nothing can
    be seen of how much alphabets differ, and items of one class are still not independent of each other: the
    interval is then for new classes of this alphabet.

    Args:
        alphabets: (N,) the name of each item's alphabet.
        classes: (N,) the name of each item's class, which belongs to one alphabet.
    """
    return tuple(alphabets if len(set(alphabets)) > 1 else classes)


def choose_crossed(alphabets: Sequence[str], drawers: Sequence[str]) -> tuple[str, ...]:
    """Who made each item, where that runs across the groups of `choose_groups`: in a single alphabet, whose
    groups are classes. () where there are several alphabets, one drawer, or somebody who is not known.

    Args:
        alphabets: (N,) as for `choose_groups`.
        drawers: (N,) the name of who made each item; "" where nobody knows.
    """
    is_seen = len(set(alphabets)) == 1 and all(drawers) and len(set(drawers)) > 1
    return tuple(drawers) if is_seen else ()


def join_groups(*keys: Sequence[Hashable]) -> list[int]:
    """(N,) for each of N items the first one that it is bound to: by an equal key, or through others.

    keys: lists of N keys each; items with an equal key in one of them are bound. Keys that are empty or None
    bind nothing.
    """
    first = list(range(len(keys[0])))

    def find(place: int) -> int:
        while first[place] != place:
            first[place] = place = first[first[place]]
        return place

    for names in keys:
        seen: dict[Hashable, int] = {}
        for place, name in enumerate(names):
            if name:
                one, other = find(seen.setdefault(name, place)), find(place)
                first[max(one, other)] = min(one, other)
    return [find(place) for place in range(len(first))]


def variance_of_sum(values: NDArray[np.float64], groups: Sequence[str]) -> tuple[float, int]:
    """The variance of the sum of `values`, (N,), taken between groups; and the number of groups, G.

    The deviations from the mean are added up within each group, and these G sums are taken for independent:
    the linearised estimate of survey sampling, with its factor G / (G - 1). With a single group it cannot be
    seen, and is infinite.

    Args:
        groups: (N,) the group of each item.

    Raises:
        ValueError: `groups` has another length than `values`.
    """
    codes, count = _encode(values, groups)
    if count < 2:
        return float("inf"), count
    excess = np.bincount(codes, weights=values - values.mean())
    return count / (count - 1) * float((excess**2).sum()), count


def effective_number(
    values: NDArray[np.float64],
    groups: Sequence[str],
    *,
    crossed: Sequence[str] = (),
    distinct: int | None = None,
    unseen: float = 0.0,
    z: float = Z95,
) -> float:
    """How many independent items the N `values` are worth, whose groups are right or wrong together.

    That is N over the design effect (Kish, "Survey Sampling", 1965): the variance of the mean, taken between
    groups, over that of N independent items. It is at least 1, and at most M = sum(sizes^2) / N, which it has
    where all items of a group are alike: then every group is worth one item. An effect that is estimated from
    G groups is raised by the squared ratio of Student's quantile with G - 1 degrees of freedom to the normal
    one, as in Korn and Graubard, "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", Survey Methodology 24 (1998), but not beyond M. Where the values are
    all equal they say nothing of how groups differ, and the effect is M. Groups of a single item each give N.

    Args:
        values: (N,), a share that is right, or a difference of two.
        groups: (N,) the group of each item.
        crossed: (N,) groups of another kind that run across these, such as who drew it across what it is, or
            (). The number is that of the kind by which the values differ more.
        distinct: how many different items there are, where some were asked repeatedly. None: all are.
        unseen: how many items' worth of variance is taken to be there unseen, from whole groups that are
            wrong: a few mistakes that fall into different groups do not yet show that groups do not matter.
        z: how many standard errors the interval reaches that the number is for.

    Raises:
        ValueError: `groups` has another length than `values`.
    """
    if len(crossed):
        kinds = groups, crossed
        return min(effective_number(values, kind, distinct=distinct, unseen=unseen, z=z) for kind in kinds)
    codes, count = _encode(values, groups)
    n = len(values)
    most = max(float((np.bincount(codes) ** 2).sum()), n**2 / (distinct or n)) / n
    if most == 1:
        return float(n)
    total, _ = variance_of_sum(values, groups)
    spread = float(((values - values.mean()) ** 2).sum())
    if count < 2 or spread + unseen == 0:
        return n / most
    seen = min(total, most * spread)
    effect = max((seen + most * unseen) / (spread + unseen), n / (distinct or n))
    return n / min(most, effect * (student_quantile(count - 1, z) / z) ** 2)


def _encode(values: NDArray[np.float64], groups: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """The group of each value as a number from 0, (N,) int64, and the number of groups."""
    if len(groups) != len(values):
        raise ValueError(f"expected a group for each of {len(values)} items; got {len(groups)}")
    names, codes = np.unique(list(groups), return_inverse=True)
    return np.asarray(codes, np.int64), len(names)
