"""Accuracies and their differences, each with a 95 % interval and the number of items behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

Z95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

Kind = Literal["measured", "published", "predicted"]


@dataclass(frozen=True)
class Measure:
    """A number that says where it comes from.

    `value` and both ends of `ci95` have the same unit (an accuracy: a share in [0, 1]; a difference of
    accuracies: [-1, 1]). `n` counts the independent items behind it. `source` names the place of what is not
    measured here.
    """

    value: float
    ci95: tuple[float, float]
    n: int
    kind: Kind = "measured"
    source: str = ""

    def to_json(self) -> dict[str, object]:
        """The shape that scripts rely on: value, ci95, n, kind, and source where there is one."""
        document: dict[str, object] = {
            "value": self.value,
            "ci95": list(self.ci95),
            "n": self.n,
            "kind": self.kind,
        }
        return document | ({"source": self.source} if self.source else {})


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval for a proportion `p` seen in `n` trials, both ends in [0, 1].

    `n` need not be whole: it may be an effective number of trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Unlike the
    textbook interval it keeps its coverage near 0 and 1, where good classifiers live.

    Raises:
        ValueError: `n` is below 1, or `p` outside [0, 1].
    """
    if n < 1 or not 0 <= p <= 1:
        raise ValueError(f"a proportion needs n >= 1 and p in [0, 1]; got p={p}, n={n}")
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    # At p = 0 and p = 1 the interval ends there exactly; rounding must not put the value outside of it.
    return (0.0 if p == 0 else max(0.0, centre - half), 1.0 if p == 1 else min(1.0, centre + half))


def accuracy(correct: ArrayLike) -> Measure:
    """The mean of `correct`, (N,) in [0, 1], with Wilson's interval for N items.

    Each entry is an item's 0 or 1, or its mean over seeds. Seeds add no items: with several of them the
    interval is that of a single run at the mean accuracy, which is on the wide side.

    Raises:
        ValueError: `correct` is empty, or outside [0, 1].
    """
    items = _items(correct)
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
    items = _items(correct)
    if len(groups) != len(items):
        raise ValueError(f"expected a group for each of {len(items)} items; got {len(groups)}")
    n, mean = len(items), float(items.mean())
    _, codes = np.unique(list(groups), return_inverse=True)
    excess = np.bincount(codes, weights=items - mean)
    trials = float(n if distinct is None else min(n, distinct))
    if len(excess) > 1:
        count = len(excess)
        variance = count / (count - 1) * float((excess**2).sum()) / n**2
        spread = mean * (1 - mean)
        if variance * trials > spread:
            trials = spread / variance
        trials *= (Z95 / float(student.ppf(0.975, count - 1))) ** 2
    return Measure(mean, wilson(mean, max(1.0, trials)), n)


def paired_difference(a: ArrayLike, b: ArrayLike) -> Measure:
    """The mean of a - b over the same items, (N,) in [0, 1] as for `accuracy`, with a 95 % interval.

    Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", J. Educ. Behav. Stat. 37 (2012): each of the two discordant counts gets one more. That is
    the same as two more items, with differences +1 and -1, in the plain interval for a mean, and in this form
    it also takes items that are means over seeds. The value is the plain mean difference; only the interval
    is adjusted.

    Raises:
        ValueError: the shapes differ, or either is unfit for `accuracy`.
    """
    first, second = _items(a), _items(b)
    if first.shape != second.shape:
        raise ValueError(f"a paired difference needs the same items; got {len(first)} and {len(second)}")
    difference = first - second
    adjusted = np.append(difference, (1.0, -1.0))
    centre, half = adjusted.mean(), Z95 * adjusted.std() / math.sqrt(len(adjusted))
    interval = (float(max(-1.0, centre - half)), float(min(1.0, centre + half)))
    return Measure(float(difference.mean()), interval, len(difference))


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
    half = float(student.ppf(0.975, n - 1)) * float(difference.std(ddof=1)) / math.sqrt(n)
    return Measure(mean, (mean - half, mean + half), n)


def clustered_difference(a: ArrayLike, b: ArrayLike, groups: Sequence[str]) -> Measure:
    """The mean of a - b over the same items, as `paired_difference`, with a 95 % interval for new groups.

    The variance of the mean is taken between groups, as for `clustered_accuracy`, and the interval is
    Student's with G - 1 degrees of freedom. With a single group it is that of `paired_difference`.

    Raises:
        ValueError: as for `paired_difference`, or `groups` has another length.
    """
    plain = paired_difference(a, b)
    difference = _items(a) - _items(b)
    if len(groups) != len(difference):
        raise ValueError(f"expected a group for each of {len(difference)} items; got {len(groups)}")
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    if (count := len(names)) < 2:
        return plain
    excess = np.bincount(codes, weights=difference - difference.mean())
    error = math.sqrt(count / (count - 1) * float((excess**2).sum())) / len(difference)
    half = float(student.ppf(0.975, count - 1)) * error
    interval = (max(-1.0, plain.value - half), min(1.0, plain.value + half))
    return Measure(plain.value, interval, len(difference))


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


def confusion(labels: ArrayLike, predicted: ArrayLike, k: int) -> NDArray[np.int64]:
    """Counts, (k, k) int64: row true, column predicted class. Both inputs: (N,) integers in [0, k)."""
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (np.asarray(labels), np.asarray(predicted)), 1)
    return counts


def _items(values: ArrayLike) -> NDArray[np.float64]:
    items = np.asarray(values, dtype=np.float64)
    if items.ndim != 1 or not len(items) or not ((items >= 0) & (items <= 1)).all():
        raise ValueError(f"expected items of shape (N,) in [0, 1], N >= 1; got shape {items.shape}")
    return items
