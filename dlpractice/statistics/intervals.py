"""95 % intervals of error rates and of their differences.

The formulas of `evaluation.metrics` for what a diagnosis asks; that room is out of reach from here.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, pstdev

Z95 = 1.959963984540054
Z99 = 2.5758293035489004
"""The 97.5 % and 99.5 % points of the standard normal distribution."""


def wilson(share: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share in [0, 1] seen in `n` >= 1 trials. Wilson, JASA 22 (1927)."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(a: float, n_a: int, b: float, n_b: int, z: float = Z95) -> tuple[float, float]:
    """The interval of a - b, of two shares seen in independent samples.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), method 10: it keeps its coverage for small samples and shares near 0 and 1.
    """
    low_a, high_a = wilson(a, n_a, z)
    low_b, high_b = wilson(b, n_b, z)
    below = math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    above = math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return a - b - below, a - b + above


def paired_difference(a: Sequence[float], b: Sequence[float], z: float = Z95) -> tuple[float, float]:
    """The interval of the mean of a - b, of shares in [0, 1] of the same items.

    Bonett and Price, J. Educ. Behav. Stat. 37 (2012), as two more items with differences +1 and -1: see
    `evaluation.metrics.paired_difference`.
    """
    differences = [x - y for x, y in zip(a, b, strict=True)] + [1.0, -1.0]
    centre, half = fmean(differences), z * pstdev(differences) / math.sqrt(len(differences))
    return max(-1.0, centre - half), min(1.0, centre + half)


def shared_z(comparisons: int) -> float:
    """The point of the standard normal distribution at which `comparisons` >= 1 intervals hold together with
    95 % (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(1, comparisons))
