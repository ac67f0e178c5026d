"""Precision, recall and F1 are scikit-learn's, and their intervals know of groups."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from dlpractice.statistics.class_scores import Scores, score_classes
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import accuracy, wilson


def draw(classes: int, n: int, right: float = 0.7) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(classes)
    truth = rng.integers(0, classes, n) ** 2 // max(1, classes - 1)  # of unequal sizes, some of none
    guess = np.where(rng.random(n) < right, truth, rng.integers(0, classes, n))
    return truth, guess


def values(scores: Scores) -> list[float]:
    return [part.value if part else 0.0 for part in (scores.precision, scores.recall, scores.f1)]


@pytest.mark.parametrize(("classes", "n"), [(2, 40), (7, 60), (300, 200), (3, 1), (1, 5)])
def test_values_are_those_of_scikit_learn(classes: int, n: int) -> None:
    truth, guess = draw(classes, n)
    found = score_classes(truth, guess, classes)
    labels = range(classes)
    oracle = np.array(precision_recall_fscore_support(truth, guess, labels=labels, zero_division=0)[:3]).T
    np.testing.assert_allclose([values(one) for one in found.classes], oracle)
    for number, one in enumerate(found.classes):
        assert (one.recall is None) == (number not in truth)
        assert (one.precision is None) == (number not in guess)
    # Means are over the classes that have images.
    for mean, kind in ((found.macro, "macro"), (found.weighted, "weighted")):
        expected = precision_recall_fscore_support(
            truth, guess, labels=np.unique(truth), average=kind, zero_division=0
        )
        np.testing.assert_allclose(values(mean), expected[:3])
        assert mean.recall is not None and mean.recall.n == n


def ends(measure: Measure | None) -> tuple[float, float]:
    assert measure is not None
    assert 0 <= measure.ci95[0] <= measure.value <= measure.ci95[1] <= 1
    return measure.ci95


def test_intervals_of_a_class() -> None:
    truth, guess = draw(4, 80)
    (*_, last), groups = score_classes(truth, guess, 4).classes, [str(n // 8) for n in range(80)]
    inside = truth == 3
    assert ends(last.recall) == pytest.approx(wilson((guess[inside] == 3).mean(), inside.sum()))
    # Naively: of the images that are of the class or taken for it, the share that is right, as an F1.
    union = inside | (guess == 3)
    low, high = wilson((truth == guess)[union].mean(), union.sum())
    assert ends(last.f1) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    in_groups = score_classes(truth, guess, 4, groups).classes[3]
    kept = [name for name, is_inside in zip(groups, inside, strict=True) if is_inside]
    assert ends(in_groups.recall) == pytest.approx(accuracy(guess[inside] == 3, kept).ci95)


def test_intervals_of_means() -> None:
    # One class: its own interval.
    zeros = np.zeros(30, np.int64)
    single = score_classes(zeros, zeros, 3)
    assert ends(single.macro.recall) == pytest.approx(wilson(1.0, 30))
    assert ends(single.macro.f1) == ends(single.classes[0].f1)
    # Alike classes without a mistake, or with as many each: as if all images were of one.
    truth = np.repeat(np.arange(10), 20)
    for wrong in (0, 3):
        guess = truth.copy()
        guess.reshape(10, 20)[:, :wrong] = (truth.reshape(10, 20)[:, :wrong] + 1) % 10
        found = score_classes(truth, guess, 10)
        assert ends(found.macro.recall) == pytest.approx(wilson(1 - wrong / 20, 200), abs=0.01)
        alike = [ends(found.weighted.precision), ends(found.weighted.f1)]
        assert alike == [pytest.approx(ends(m)) for m in (found.macro.precision, found.macro.f1)]
    # Copies say nothing new, and a group of several classes makes their scores vary together.
    several = [str(n % 20) for n in range(200)]
    wide = score_classes(truth, guess, 10, several).macro.recall
    low, high = ends(wide)
    assert high - low > 2 * np.subtract(*ends(found.macro.recall)[::-1])
