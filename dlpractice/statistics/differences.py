"""Differences of two shares or two means, each with an interval."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dlpractice.statistics.clusters import variance_of_sum
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.quantiles import Z95, student_quantile
from dlpractice.statistics.shares import check_items, wilson


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


def paired_interval(a: ArrayLike, b: ArrayLike, z: float = Z95) -> tuple[float, float]:
    """The interval of the mean of a - b over the same items, (N,) in [0, 1]; both ends in [-1, 1].

    Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", J. Educ. Behav. Stat. 37 (2012): each of the two discordant counts gets one more. That is
    the same as two more items, with differences +1 and -1, in the plain interval for a mean, and in this form
    it also takes items that are means over seeds.

    Raises:
        ValueError: the shapes differ, or either is unfit for `accuracy`.
    """
    first, second = check_items(a), check_items(b)
    if first.shape != second.shape:
        raise ValueError(f"a paired difference needs the same items; got {len(first)} and {len(second)}")
    adjusted = np.append(first - second, (1.0, -1.0))
    centre, half = adjusted.mean(), z * adjusted.std() / math.sqrt(len(adjusted))
    return float(max(-1.0, centre - half)), float(min(1.0, centre + half))


def paired_difference(a: ArrayLike, b: ArrayLike) -> Measure:
    """The mean of a - b over the same items, (N,) in [0, 1] as for `accuracy`, with `paired_interval`.

    The value is the plain mean difference; only the interval is adjusted.

    Raises:
        ValueError: as `paired_interval`.
    """
    interval = paired_interval(a, b)
    difference = check_items(a) - check_items(b)
    return Measure(float(difference.mean()), interval, len(difference))


def clustered_difference(a: ArrayLike, b: ArrayLike, groups: Sequence[str]) -> Measure:
    """The mean of a - b over the same items, as `paired_difference`, with a 95 % interval for new groups.

    The variance of the mean is taken between groups, as for `clustered_accuracy`, and the interval is
    Student's with G - 1 degrees of freedom. With a single group it is that of `paired_difference`.

    Args:
        groups: (N,) the group of each item.

    Raises:
        ValueError: as for `paired_difference`, or `groups` has another length.
    """
    plain = paired_difference(a, b)
    total, count = variance_of_sum(check_items(a) - check_items(b), groups)
    if count < 2:
        return plain
    half = student_quantile(count - 1) * (math.sqrt(total) / plain.n)
    interval = (max(-1.0, plain.value - half), min(1.0, plain.value + half))
    return Measure(plain.value, interval, plain.n)


def paired_mean(a: ArrayLike, b: ArrayLike) -> Measure:
    """The mean of a - b over the same N >= 2 items, (N,) of any unit, with Student's 95 % interval.

    Raises:
        ValueError: the shapes differ, there are fewer than two items, or a value is not finite.
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
    half = student_quantile(n - 1) * float(difference.std(ddof=1)) / math.sqrt(n)
    return Measure(mean, (mean - half, mean + half), n)
