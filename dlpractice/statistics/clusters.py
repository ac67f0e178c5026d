"""Items that are hard or easy together: which ones belong together, and what that adds to a variance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
    if len(groups) != len(values):
        raise ValueError(f"expected a group for each of {len(values)} items; got {len(groups)}")
    names, codes = np.unique(list(groups), return_inverse=True)
    count = len(names)
    if count < 2:
        return float("inf"), count
    excess = np.bincount(codes, weights=values - values.mean())
    return count / (count - 1) * float((excess**2).sum()), count
