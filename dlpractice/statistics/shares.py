"""Accuracies and error rates: shares of items, each with a 95 % interval."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlpractice.statistics.clusters import variance_of_sum
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.quantiles import Z95, student_quantile


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


def accuracy(correct: ArrayLike) -> Measure:
    """The mean of `correct`, (N,) in [0, 1], with Wilson's interval for N items.

    Each entry is an item's 0 or 1, or its mean over seeds. Seeds add no items: with several of them the
    interval is that of a single run at the mean accuracy, which is on the wide side.

    Raises:
        ValueError: `correct` is empty, or outside [0, 1].
    """
    items = check_items(correct)
    mean = float(items.mean())
    return Measure(mean, wilson(mean, len(items)), len(items))


def clustered_accuracy(correct: ArrayLike, groups: Sequence[str], distinct: int | None = None) -> Measure:
    """The mean of `correct`, (N,) in [0, 1] as for `accuracy`, with a 95 % interval for new groups of items.

    Items of one group (characters of one alphabet) are hard or easy together, so N of them say less than N
    independent ones. The variance of the mean is taken between groups (linearised as in survey sampling),
    turned into an effective number of independent trials, at most N, lowered for the few groups that the
    variance is estimated from (normal against Student quantile with G - 1 degrees of freedom, squared), and
    put into Wilson's interval: Korn and Graubard, "Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data", Survey Methodology 24 (1998), with Wilson's
    interval for their exact one. Near 100 % it keeps its coverage, where mean +- t standard errors loses it.

    Args:
        groups: (N,) the group of each item. With a single group its variance cannot be seen: the interval is
            then that of independent items, and holds for this group only.
        distinct: how many different items there are where some were asked repeatedly; the effective number of
            trials is at most this. None: all N are different.

    Raises:
        ValueError: `correct` is unfit for `accuracy`, or `groups` has another length.
    """
    items = check_items(correct)
    n, mean = len(items), float(items.mean())
    total, count = variance_of_sum(items, groups)
    trials = float(n if distinct is None else min(n, distinct))
    if count > 1:
        variance, spread = total / n**2, mean * (1 - mean)
        if variance * trials > spread:
            trials = spread / variance
        trials *= (Z95 / student_quantile(count - 1)) ** 2
    return Measure(mean, wilson(mean, max(1.0, trials)), n)


def per_class_accuracy(
    labels: ArrayLike, predicted: ArrayLike, class_names: Sequence[str]
) -> dict[str, Measure]:
    """The accuracy within each class. `labels` and `predicted`: (N,) integers in [0, len(class_names)).

    A class without an item has no accuracy, and is left out.
    """
    truth, guess = np.asarray(labels), np.asarray(predicted)
    return {
        name: accuracy(guess[truth == index] == index)
        for index, name in enumerate(class_names)
        if (truth == index).any()
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
