import math

import numpy as np
import pytest
from scipy import stats

from dlpractice.statistics.fold_accuracy import corrected_half_width, pooled_accuracy
from dlpractice.statistics.shares import accuracy


def test_the_half_width_is_nadeau_and_bengios() -> None:
    values = [0.9, 0.8, 0.95, 0.85, 0.7]
    mean = sum(values) / 5
    spread = sum((value - mean) ** 2 for value in values) / 4
    half = stats.t.ppf(0.975, 4) * math.sqrt((1 / 5 + 1 / 3) * spread)
    assert corrected_half_width(values, 1 / 3) == pytest.approx(half)


def outcomes(shares: list[float], size: int) -> tuple[np.ndarray, list[str], list[int]]:
    """So many of `size` images right in each fold."""
    right = np.concatenate([np.arange(size) < round(share * size) for share in shares])
    return right, [str(n) for n in range(len(right))], list(np.repeat(np.arange(len(shares)), size))


def test_folds_that_agree_leave_the_interval_of_the_images() -> None:
    right, groups, folds = outcomes([0.9, 0.9, 0.9], 20)
    assert pooled_accuracy(right, groups, folds, 0.5) == accuracy(right, groups)


def test_folds_that_differ_widen_it_and_it_stays_within_0_and_1() -> None:
    right, groups, folds = outcomes([1.0, 0.7, 1.0], 100)
    found = pooled_accuracy(right, groups, folds, 1.0)
    half = corrected_half_width([1.0, 0.7, 1.0], 1.0)
    assert found.ci95 == (pytest.approx(0.9 - half), 1.0)
    assert found.ci95[0] < accuracy(right, groups).ci95[0]


def test_images_of_a_group_count_as_less() -> None:
    right, _, folds = outcomes([0.9, 0.9, 0.9], 20)
    groups = [str(n // 10) for n in range(60)]
    found = pooled_accuracy(right, groups, folds, 0.5)
    assert (found.ci95, found.groups) == (accuracy(right, groups).ci95, 6)


def test_it_holds_the_accuracy_of_such_models_where_the_images_interval_alone_does_not() -> None:
    rng, count, size, centre = np.random.default_rng(0), 5, 40, 0.75
    labels, folds = np.arange(size) % 2, np.arange(size) // 2 % 5
    groups = [str(n) for n in range(size)]
    truths, rights = [], []
    for _ in range(300):
        images = rng.normal(size=(size, 20))
        images[:, 0] += np.where(labels == 1, centre, -centre)
        right = np.zeros(size)
        for fold in range(count):
            train, test = (folds != fold) & (folds != (fold + 1) % count), folds == fold
            low, high = (images[train & (labels == code)].mean(axis=0) for code in (0, 1))
            way, middle = high - low, (high - low) @ (high + low) / 2
            right[test] = (images[test] @ way > middle) == (labels[test] == 1)
            reach, length = centre * way[0], math.sqrt(way @ way)
            truths.append(stats.norm.cdf([(reach - middle) / length, (reach + middle) / length]).mean())
        rights.append(right)
    truth = np.mean(truths)

    def coverage(intervals: list[tuple[float, float]]) -> float:
        return float(np.mean([low <= truth <= high for low, high in intervals]))

    assert coverage([accuracy(right).ci95 for right in rights]) < 0.93
    assert coverage([pooled_accuracy(right, groups, folds.tolist(), 1 / 3).ci95 for right in rights]) > 0.95
