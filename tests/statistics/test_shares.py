import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from dlpractice.statistics.quantiles import Z95, Z99
from dlpractice.statistics.shares import accuracy, clustered_accuracy, per_class_accuracy, wilson


@pytest.mark.parametrize("n", [1, 2, 7, 40, 100, 500, 2000, 100_000])
@pytest.mark.parametrize(("level", "z"), [(0.95, Z95), (0.99, Z99)])
def test_wilson_is_scipys(n: int, level: float, z: float) -> None:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        expected = binomtest(k, n).proportion_ci(level, method="wilson")
        assert wilson(k / n, n, z) == pytest.approx((expected.low, expected.high), rel=0, abs=1e-15)


def test_wilson_of_a_fraction_of_a_trial_solves_its_equation() -> None:
    """The ends are the shares from which the observed one is `z` standard errors away."""
    for share, n in ((0.3, 12.7), (0.975, 88.25), (0.5, 1.5)):
        for end in map(Fraction, wilson(share, n)):
            square = (Fraction(share) - end) ** 2 * Fraction(n) / (end * (1 - end))
            assert float(square) == pytest.approx(Z95**2, rel=1e-12)


def test_wilson_holds_the_value_and_stays_within_0_and_1() -> None:
    for n in range(1, 60):
        for k in range(n + 1):
            low, high = wilson(k / n, n)
            assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(("p", "n"), [(0.5, 0), (-0.1, 10), (1.1, 10), (math.nan, 10)])
def test_wilson_refuses_what_is_no_proportion(p: float, n: int) -> None:
    with pytest.raises(ValueError, match="a proportion needs"):
        wilson(p, n)


def test_accuracy_is_the_mean_with_wilsons_interval_for_the_items() -> None:
    measure = accuracy([1, 1, 0, 1])
    assert (measure.value, measure.n, measure.kind) == (0.75, 4, "measured")
    assert measure.ci95 == wilson(0.75, 4)
    assert accuracy(np.array([True, False])).value == 0.5
    # Means over three seeds: items count, not seeds.
    assert accuracy([1, 2 / 3, 0]).ci95 == pytest.approx(wilson(5 / 9, 3))


@pytest.mark.parametrize("items", [[], [[1, 0]], [2], [-0.1], [math.nan]])
def test_accuracy_refuses_what_is_no_outcome(items: list[object]) -> None:
    with pytest.raises(ValueError, match="expected items"):
        accuracy(items)  # type: ignore[arg-type]


def test_clustered_accuracy_of_like_items_is_wilsons_for_an_effective_number() -> None:
    """Items of a group are alike: four groups are a few trials, less what is lost by estimating from four."""
    correct, groups = np.repeat([1, 1, 1, 0], 50), np.repeat(list("abcd"), 50).tolist()
    measure = clustered_accuracy(correct, groups)
    assert (measure.value, measure.n) == (0.75, 200)
    # Variance 4/3 x (3 x 12.5^2 + 37.5^2) / 200^2 = 1/16, so 0.75 x 0.25 x 16 = 3 trials.
    lost = (norm.ppf(0.975) / student.ppf(0.975, 3)) ** 2
    assert measure.ci95 == pytest.approx(wilson(0.75, 3 * lost))


def test_clustered_accuracy_has_no_more_trials_than_distinct_items() -> None:
    groups = list("aabbccddee")
    lost = (norm.ppf(0.975) / student.ppf(0.975, 4)) ** 2
    assert clustered_accuracy([1] * 10, groups).ci95 == pytest.approx(wilson(1, 10 * lost))
    assert clustered_accuracy([1] * 10, groups, distinct=5).ci95 == pytest.approx(wilson(1, 5 * lost))
    assert clustered_accuracy([1, 0] * 5, groups).ci95 == pytest.approx(wilson(0.5, 10 * lost))
    assert clustered_accuracy([0, 0], "ab").ci95 == pytest.approx((0, wilson(0, 1)[1]))


def test_clustered_accuracy_of_one_group_is_plain() -> None:
    assert clustered_accuracy([1, 0, 1, 1], "aaaa") == accuracy([1, 0, 1, 1])


def test_clustered_accuracy_needs_a_group_for_each_item() -> None:
    with pytest.raises(ValueError, match="a group for each of 3 items; got 2"):
        clustered_accuracy([1, 0, 1], "ab")


@pytest.mark.parametrize(
    ("mean", "correlation", "groups", "size"),
    [
        (0.6, 0.1, 10, 40),
        (0.97, 0.02, 10, 40),
        (0.99, 0.02, 10, 40),
        (0.98, 0.01, 20, 200),
        (0.99, 0, 13, 60),
    ],
)
def test_clustered_accuracy_covers_the_truth(mean: float, correlation: float, groups: int, size: int) -> None:
    """1,500 test sets of alphabets that differ in difficulty: about 95 % of the intervals hold the mean.

    Mean +- t standard errors holds it in 82 % of the third case, and Wilson's plain interval in 86 % of the
    first.
    """
    rng = np.random.default_rng(4)
    shape = 1 / correlation - 1 if correlation else 1e9
    names = np.repeat(np.arange(groups).astype(str), size).tolist()
    covered = []
    for _ in range(1500):
        difficulty = rng.beta(mean * shape, (1 - mean) * shape, groups)
        correct = rng.random((groups, size)) < difficulty[:, None]
        low, high = clustered_accuracy(correct.ravel(), names).ci95
        covered.append(low <= mean <= high)
    assert 0.93 <= np.mean(covered) <= 0.99


def test_per_class_accuracy_against_a_loop() -> None:
    rng = np.random.default_rng(2)
    labels, predicted = rng.integers(0, 4, 300), rng.integers(0, 5, 300)
    counts = [[0] * 5 for _ in range(5)]
    for truth, guess in zip(labels, predicted, strict=True):
        counts[truth][guess] += 1
    names = ["a", "b", "c", "d", "nobody"]
    by_class = per_class_accuracy(labels, predicted, names)
    assert list(by_class) == names[:4]  # a class without an item has no accuracy
    for index, measure in enumerate(by_class.values()):
        n = sum(counts[index])
        assert (measure.value, measure.n) == (pytest.approx(counts[index][index] / n), n)
        assert measure.ci95 == pytest.approx(wilson(counts[index][index] / n, n))
