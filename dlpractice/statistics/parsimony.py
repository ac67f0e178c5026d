"""The cheapest of several things that are as good as the best, as far as the same items can tell."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dlpractice.statistics.differences import paired_interval


def pick_cheapest(
    correct: Mapping[str, NDArray[np.float64]], costs: Mapping[str, float], groups: Sequence[str]
) -> tuple[str, str]:
    """The best by accuracy, and the cheapest of those that are less than one standard error worse than it.

    That is the rule of one standard error (Breiman et al., "Classification and regression trees", 1984,
    section 3.4.3), with the error of the paired difference, clustered by groups, see `paired_interval`.

    Args:
        correct: by name, (N,) in [0, 1], how far each of the same N items was right. The order decides
            between equals.
        costs: by name, of any unit.
        groups: (N,) the group of each item.

    Returns the names of the cheapest and of the best.
    """
    best = max(correct, key=lambda name: float(correct[name].mean()))
    good = [
        name
        for name in correct
        if name == best or paired_interval(correct[name], correct[best], 1.0, groups)[1] >= 0
    ]
    return min(good, key=lambda name: costs[name]), best
