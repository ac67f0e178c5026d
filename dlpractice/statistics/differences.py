"""Differences of two shares or two means, each with an interval."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dlpractice.statistics.clusters import effective_number, variance_of_sum
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.quantiles import Z95, student_quantile
from dlpractice.statistics.shares import check_items, count_groups, wilson


def unpaired_interval(a: float, n_a: float, b: float, n_b: float, z: float = Z95) -> tuple[float, float]:
    """The interval of a - b, two shares in [0, 1] that were seen in independent samples of `n_a` and `n_b`.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), method 10: it keeps its coverage for small samples and shares near 0 and 1.

    Raises:
        ValueError: as `wilson`.
    """
    low_a, high_a = wilson(a, n_a, z)
    low_b, high_b = wilson(b, n_b, z)
    below = math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    above = math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return a - b - below, a - b + above


def paired_interval(
    a: ArrayLike,
    b: ArrayLike,
    z: float = Z95,
    groups: Sequence[str] = (),
    crossed: Sequence[str] = (),
) -> tuple[float, float]:
    """The interval of the mean of a - b over the same items, (N,) in [0, 1]; both ends in [-1, 1].

    Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", J. Educ. Behav. Stat. 37 (2012): each of the two discordant counts gets one more. That is
    the same as two more items, with differences +1 and -1, in the plain interval for a mean, and in this form
    it also takes items that are means over seeds, and the `effective_number` of items that are bound.

    Args:
        groups: (N,) the group of each item, for an interval for new groups; () where all are independent.
        crossed: (N,) groups of another kind across these, or ().

    Raises:
        ValueError: the shapes differ, either is unfit for `accuracy`, or `groups` has another length.
    """
    first, second = check_items(a), check_items(b)
    if first.shape != second.shape:
        raise ValueError(f"a paired difference needs the same items; got {len(first)} and {len(second)}")
    difference = first - second
    n = float(len(difference))
    if len(groups):
        n = effective_number(difference, groups, crossed=crossed, z=z)
    centre = n * float(difference.mean()) / (n + 2)
    square = (n * float((difference**2).mean()) + 2) / (n + 2)
    half = z * math.sqrt((square - centre**2) / (n + 2))
    return max(-1.0, centre - half), min(1.0, centre + half)


def paired_difference(
    a: ArrayLike, b: ArrayLike, groups: Sequence[str] = (), crossed: Sequence[str] = ()
) -> Measure:
    """The mean of a - b over the same items, (N,) in [0, 1] as for `accuracy`, with `paired_interval`.

    The value is the plain mean difference; only the interval is adjusted.

    Raises:
        ValueError: as `paired_interval`.
    """
    interval = paired_interval(a, b, groups=groups, crossed=crossed)
    difference = check_items(a) - check_items(b)
    return Measure(float(difference.mean()), interval, len(difference), groups=count_groups(groups))


def paired_mean(a: ArrayLike, b: ArrayLike, groups: Sequence[str] = ()) -> Measure:
    """The mean of a - b over the same N >= 2 items, (N,) of any unit, with Student's 95 % interval.

    groups: (N,) the group of each item, two or more, between which the variance is then taken; () where all
    are independent.

    Raises:
        ValueError: the shapes differ, there are fewer than two items or groups, a value is not finite, or
            `groups` has another length.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            f"a paired mean needs the same items, two or more; got {first.shape}, {second.shape}"
        )
    difference = first - second
    if not np.isfinite(difference).all():
        raise ValueError("a paired mean needs finite values")
    n, mean = len(difference), float(difference.mean())
    total, count = variance_of_sum(difference, groups or [str(item) for item in range(n)])
    if count < 2:
        raise ValueError("the variance of a paired mean cannot be seen in one group")
    half = student_quantile(count - 1) * math.sqrt(total) / n
    return Measure(mean, (mean - half, mean + half), n, groups=count_groups(groups))
