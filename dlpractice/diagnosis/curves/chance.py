"""What chance alone does: the largest of many values, and how many of two picks coincide."""

import math
from statistics import NormalDist

import numpy as np

from dlpractice.diagnosis.record import Floats


def largest_by_chance(sizes: Floats, chance: float) -> float:
    """The size that the largest of values like `sizes` exceeds with the probability `chance`.

    The logarithms of the sizes, (n,) and those above zero alone, are taken to be normal, with their median
    and their median absolute deviation: so heavy a tail holds for the losses of single batches, and is on
    the safe side for normal noise. The largest of n has the level 1 - chance / n of one (Bonferroni).
    """
    logs = np.log(sizes[sizes > 0])
    if not len(logs):
        return 0.0
    middle = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - middle)))
    return math.exp(min(700.0, middle + spread * NormalDist().inv_cdf(1 - chance / len(logs))))


def chance_of_sharing(first: set[int], second: set[int], total: int) -> float:
    """The chance that two independent picks of so many of `total` places share as many as these do, or more.

    Fisher's exact test (1922), one-sided.
    """
    shared, n, m = len(first & second), len(first), len(second)
    ways = sum(math.comb(n, k) * math.comb(total - n, m - k) for k in range(shared, min(n, m) + 1))
    return ways / math.comb(total, m)
