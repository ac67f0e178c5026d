"""How well a score tells pairs of the same class from pairs of different classes.

Everywhere: `scores` (P,) float, higher is more alike; `same` (P,) bool. A pair is accepted as the same class
where its score is at least the threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlpractice.errors import DataError, ModelError
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import clustered_accuracy


@dataclass(frozen=True)
class Threshold:
    """The least score that is accepted, and what it did on the `n` pairs that it was chosen on.

    `false_accept_rate`: the share of different pairs accepted; `false_reject_rate`: of same pairs refused.
    """

    value: float
    false_accept_rate: float
    false_reject_rate: float
    n: int


def roc_auc(scores: ArrayLike, same: ArrayLike) -> float:
    """The chance, in [0, 1], that a same pair scores above a different one, a tie counting half.

    This is the area under the ROC curve, and Mann and Whitney's U as a share of its maximum, Ann. Math. Stat.
    18 (1947).

    Raises:
        DataError: there are no pairs of one kind.
        ModelError: a score is not a number.
    """
    from sklearn.metrics import auc

    accepted, right = _count_accepted(*_pairs(scores, same))
    # The area over whole counts is exact; over rates, `roc_auc_score` is off in the last digits.
    return float(auc(accepted, right) / (accepted[-1] * right[-1]))


def equal_error_rate(scores: ArrayLike, same: ArrayLike) -> float:
    """The rate, in [0, 1], at which as many different pairs are accepted as same pairs refused.

    Between two thresholds that step over the equality, the rates are interpolated linearly.

    Raises:
        DataError, ModelError: as for `roc_auc`.
    """
    accepts, rejects = _rates(*_pairs(scores, same))
    # With the threshold, accepts falls from 1 to 0 and rejects rises from 0 to 1: the gap changes sign once.
    gap = accepts - rejects
    after = int(np.argmax(gap <= 0))
    before = after - 1
    share = gap[before] / (gap[before] - gap[after])
    return float(accepts[before] + share * (accepts[after] - accepts[before]))


def choose_threshold(scores: ArrayLike, same: ArrayLike, false_accept_rate: float) -> Threshold:
    """The lowest threshold that accepts at most a share `false_accept_rate`, in (0, 1), of different pairs.

    It lies halfway between two scores that occur. To be chosen on validation pairs, and used on others.

    Raises:
        ValueError: the rate is not in (0, 1).
        DataError: there are too few different pairs to see such a rate, or no pairs of one kind.
        ModelError: a score is not a number.
    """
    if not 0 < false_accept_rate < 1:
        raise ValueError(f"a false-accept rate lies in (0, 1); got {false_accept_rate}")
    values, alike = _pairs(scores, same)
    different = int((~alike).sum())
    if different * false_accept_rate < 1:
        raise DataError(
            f"{different} pairs of different classes cannot show a false-accept rate of {false_accept_rate}",
            f"ask for at least {1 / different:.2g}, or give more examples for validation",
        )
    thresholds, accepts, rejects = _operating_points(values, alike)
    return _threshold(int(np.argmax(accepts <= false_accept_rate)), thresholds, accepts, rejects, alike)


def best_threshold(scores: ArrayLike, same: ArrayLike) -> Threshold:
    """The threshold with the fewest errors, in the middle one of the gaps that are equally good.

    Raises:
        DataError, ModelError: as for `roc_auc`.
    """
    values, alike = _pairs(scores, same)
    thresholds, accepts, rejects = _operating_points(values, alike)
    errors = np.rint(accepts * (~alike).sum() + rejects * alike.sum())
    best = np.flatnonzero(errors == errors.min())
    return _threshold(int(best[len(best) // 2]), thresholds, accepts, rejects, alike)


def accuracy_at(threshold: float, scores: ArrayLike, same: ArrayLike, groups: Sequence[str]) -> Measure:
    """The share of pairs told rightly at a threshold that was chosen on other pairs; clustered by `groups`.

    Raises:
        DataError, ModelError: as for `roc_auc`.
    """
    values, alike = _pairs(scores, same)
    return clustered_accuracy((values >= threshold) == alike, groups)


def _pairs(scores: ArrayLike, same: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, alike = np.asarray(scores, np.float64), np.asarray(same, np.bool_)
    if values.ndim != 1 or values.shape != alike.shape:
        raise ValueError(f"expected a kind for each score; got {values.shape} scores and {alike.shape} kinds")
    if np.isnan(values).any():
        raise ModelError(
            "the scores of pairs are not numbers (NaN)", "the training has diverged; lower its rate"
        )
    if not alike.any() or alike.all():
        raise DataError(
            "verification needs pairs of the same class and of different ones; there is only one kind",
            "give two classes or more, with two examples or more",
        )
    return values, alike


def _count_accepted(
    scores: NDArray[np.float64], same: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ROC curve in whole counts: different and same pairs that are accepted, at each of L + 1 thresholds
    between the L scores that occur; from none to all."""
    from sklearn.metrics import roc_curve

    # Only the order counts, so that ranks do as well; `roc_curve` refuses infinite scores.
    _, ranks = np.unique(scores, return_inverse=True)
    accepts, rights, _ = roc_curve(same, ranks, drop_intermediate=False)
    return np.rint(accepts * (~same).sum()), np.rint(rights * same.sum())


def _rates(
    scores: NDArray[np.float64], same: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The false-accept and false-reject rate at each of L + 1 thresholds, from all accepted to none."""
    accepted, right = _count_accepted(scores, same)
    return accepted[::-1] / accepted[-1], (right[-1] - right[::-1]) / right[-1]


def _operating_points(
    scores: NDArray[np.float64], same: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rising thresholds, from all accepted to none, with the false-accept and false-reject rate at each."""
    levels = np.unique(scores)
    middles = levels[:-1] / 2 + levels[1:] / 2  # the sum of two large scores could overflow
    # Two neighbouring floats have no middle: the upper one then separates them as well.
    middles = np.where(middles > levels[:-1], middles, levels[1:])
    thresholds = np.concatenate([levels[:1], middles, np.nextafter(levels[-1:], np.inf)])
    accepts, rejects = _rates(scores, same)
    if np.isposinf(levels[-1]):  # no threshold lies above it: the last one does what the one before it does
        accepts[-1], rejects[-1] = accepts[-2], rejects[-2]
    return thresholds, accepts, rejects


def _threshold(
    chosen: int,
    thresholds: NDArray[np.float64],
    accepts: NDArray[np.float64],
    rejects: NDArray[np.float64],
    same: NDArray[np.bool_],
) -> Threshold:
    return Threshold(float(thresholds[chosen]), float(accepts[chosen]), float(rejects[chosen]), len(same))
