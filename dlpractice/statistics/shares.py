"""Accuracies and error rates: shares of items, each with a 95 % interval."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlpractice.statistics.clusters import effective_number
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.quantiles import Z95


def wilson(share: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share in [0, 1] that was seen in `n` >= 1 trials; both ends in [0, 1].

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Unlike the
    textbook interval it keeps its coverage near 0 and 1, where good classifiers live.

    `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")` gives the same, but takes whole numbers only.
    A mean over seeds is no whole number of hits, items in groups count as a fraction of their number, and
    `dlp diagnose` cannot wait for scipy.stats to be imported.

    Args:
        n: the number of trials; it need not be whole, since it may be an effective number.
        z: how many standard errors the interval reaches, see `quantiles`.

    Raises:
        ValueError: `n` is below 1, or `share` outside [0, 1].
    """
    if n < 1 or not 0 <= share <= 1:
        raise ValueError(f"a proportion needs n >= 1 and p in [0, 1]; got p={share}, n={n}")
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and 1 the interval ends there exactly; rounding must not put the share outside of it.
    return (0.0 if share == 0 else max(0.0, centre - half), 1.0 if share == 1 else min(1.0, centre + half))


UNSEEN = 1.0
"""Mistakes' worth of variance that is taken to lie unseen in whole groups of images, see `effective_number`.

Of test sets of 12 groups of 15 images, of which 90 % are right and those of a group correlate by 0.4,
without it 86 to 90 % of the intervals hold the truth, and with it 97 to 98 %; by 0.85, 84 to 91 % and 95 to
97 %. Where groups do not matter, it makes the interval a quarter to a half wider, with 80 groups a twentieth
(3,000 or more simulated test sets each, with groups of equal size or not).
"""


def accuracy(correct: ArrayLike, groups: Sequence[str] = ()) -> Measure:
    """The mean of `correct`, (N,) in [0, 1], with Wilson's interval for the number of independent items.

    Each entry is an item's 0 or 1, or its mean over seeds. Seeds add no items: with several of them the
    interval is that of a single run at the mean accuracy, which is on the wide side.

    Args:
        groups: (N,) what each image is bound to, by its bytes, its looks or its group: the interval is then
            for new groups, with `effective_number` for N. () where all images are independent.

    Raises:
        ValueError: `correct` is empty, or outside [0, 1], or `groups` has another length.
    """
    items = check_items(correct)
    trials = count_trials(items, groups)
    mean = float(items.mean())
    return Measure(mean, wilson(mean, trials), len(items), groups=count_groups(groups))


def count_trials(correct: NDArray[np.float64], groups: Sequence[str]) -> float:
    """How many independent images those of `accuracy` are worth: a number from 1 to N.

    Raises:
        ValueError: `groups` has another length than `correct`, (N,), unless it is ().
    """
    return effective_number(correct, groups, unseen=UNSEEN) if len(groups) else float(len(correct))


def count_groups(groups: Sequence[str]) -> int | None:
    """The number of different groups; None where no group has two items."""
    count = len(set(groups))
    return count if count < len(groups) else None


def clustered_accuracy(
    correct: ArrayLike, groups: Sequence[str], distinct: int | None = None, crossed: Sequence[str] = ()
) -> Measure:
    """The mean of `correct`, (N,) in [0, 1] as for `accuracy`, with a 95 % interval for new groups of items.

    Items of one group (characters of one alphabet) are hard or easy together, so N of them say less than N
    independent ones. `effective_number` says how many they are worth, and Wilson's interval takes that many:
    Korn and Graubard 1998, with Wilson's interval for their exact one. Near 100 % it keeps its coverage,
    where mean +- t standard errors loses it. Other than images that are bound, the drawings of an alphabet
    are different things, so nothing is taken to be there unseen.

    Args:
        groups: (N,) the group of each item. A single group is worth one item.
        distinct: how many different items there are where some were asked repeatedly; the effective number of
            trials is at most this. None: all N are different.
        crossed: (N,) groups of another kind across these, or ().

    Raises:
        ValueError: `correct` is unfit for `accuracy`, or `groups` has another length.
    """
    items = check_items(correct)
    mean = float(items.mean())
    trials = effective_number(items, groups, crossed=crossed, distinct=distinct)
    return Measure(mean, wilson(mean, max(1.0, trials)), len(items), groups=count_groups(groups))


def per_class_accuracy(
    labels: ArrayLike, predicted: ArrayLike, class_names: Sequence[str], groups: Sequence[str] = ()
) -> dict[str, Measure]:
    """The accuracy within each class. `labels` and `predicted`: (N,) integers in [0, len(class_names)).

    groups: (N,) as for `accuracy`, or (). A class without an item has no accuracy, and is left out.
    """
    truth, guess, names = np.asarray(labels), np.asarray(predicted), np.asarray(groups)
    return {
        name: accuracy(guess[members] == index, names[members].tolist() if len(names) else ())
        for index, name in enumerate(class_names)
        if (members := truth == index).any()
    }


def check_items(values: ArrayLike) -> NDArray[np.float64]:
    """The outcomes of N items as (N,) float64.

    Raises:
        ValueError: there is none, or one is outside [0, 1].
    """
    items = np.asarray(values, dtype=np.float64)
    if items.ndim != 1 or not len(items) or not ((items >= 0) & (items <= 1)).all():
        raise ValueError(f"expected items of shape (N,) in [0, 1], N >= 1; got shape {items.shape}")
    return items
