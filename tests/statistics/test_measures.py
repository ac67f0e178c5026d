import json
import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm, ttest_rel
from scipy.stats import t as student

from dlpractice.statistics.measures import (
    Z95,
    Measure,
    accuracy,
    clustered_accuracy,
    clustered_difference,
    confusion,
    paired_difference,
    paired_mean,
    per_class_accuracy,
    wilson,
)


def test_z95_is_the_normal_quantile() -> None:
    assert pytest.approx(norm.ppf(0.975), abs=1e-15) == Z95


@pytest.mark.parametrize("n", [1, 2, 7, 100, 2000])
def test_wilson_against_scipy(n: int) -> None:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert wilson(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


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


def bonett_price(n12: int, n21: int, n: int) -> tuple[float, float]:
    """Equation 3 of the paper: the Laplace-adjusted discordant shares in Wald's interval."""
    p12, p21 = (n12 + 1) / (n + 2), (n21 + 1) / (n + 2)
    half = norm.ppf(0.975) * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    return max(-1.0, p12 - p21 - half), min(1.0, p12 - p21 + half)


@pytest.mark.parametrize(
    ("both", "first", "second", "neither"),
    [(90, 5, 3, 2), (0, 0, 0, 1), (50, 0, 0, 0), (0, 20, 0, 0), (0, 0, 20, 0), (700, 12, 4, 3)],
)
def test_paired_difference_is_bonett_and_prices(both: int, first: int, second: int, neither: int) -> None:
    a = [1] * (both + first) + [0] * (second + neither)
    b = [1] * both + [0] * first + [1] * second + [0] * neither
    n = len(a)
    measure = paired_difference(a, b)
    assert measure.value == pytest.approx((first - second) / n)
    assert measure.n == n
    assert measure.ci95 == pytest.approx(bonett_price(first, second, n), abs=1e-12)


def test_paired_difference_is_antisymmetric_also_for_means_over_seeds() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, (2, 50)) / 3
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there.value == pytest.approx(np.mean(a) - np.mean(b))
    assert there.value == pytest.approx(-back.value)
    assert there.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0]))


@pytest.mark.parametrize("seeds", [1, 3])
def test_paired_difference_covers_the_truth(seeds: int) -> None:
    """2,000 pairs of test sets whose true difference is known: near 95 % of the intervals hold it."""
    rng = np.random.default_rng(1)
    n, trials = 200, 2000
    difficulty = rng.beta(8, 0.7, (trials, n, 1))  # items differ, and both models find the same ones hard
    a = rng.random((trials, n, seeds)) < difficulty
    b = rng.random((trials, n, seeds)) < difficulty**1.5
    truth = 8 / 8.7 - math.exp(
        math.lgamma(9.5) - math.lgamma(8) + math.lgamma(8.7) - math.lgamma(10.2)
    )  # E[X] - E[X^1.5] of Beta(8, 0.7)
    measures = [paired_difference(x, y).ci95 for x, y in zip(a.mean(2), b.mean(2), strict=True)]
    covered = np.mean([low <= truth <= high for low, high in measures])
    assert 0.935 <= covered <= 0.975


def test_paired_difference_needs_the_same_items() -> None:
    with pytest.raises(ValueError, match="got 3 and 2"):
        paired_difference([1, 0, 1], [1, 0])


def test_confusion_and_per_class_against_a_loop() -> None:
    rng = np.random.default_rng(2)
    labels, predicted = rng.integers(0, 4, 300), rng.integers(0, 5, 300)
    counts = [[0] * 5 for _ in range(5)]
    for truth, guess in zip(labels, predicted, strict=True):
        counts[truth][guess] += 1
    matrix = confusion(labels, predicted, 5)
    assert matrix.tolist() == counts
    assert matrix.dtype == np.int64
    names = ["a", "b", "c", "d", "nobody"]
    by_class = per_class_accuracy(labels, predicted, names)
    assert list(by_class) == names[:4]  # a class without an item has no accuracy
    for index, measure in enumerate(by_class.values()):
        n = sum(counts[index])
        assert (measure.value, measure.n) == (pytest.approx(counts[index][index] / n), n)
        assert measure.ci95 == pytest.approx(wilson(counts[index][index] / n, n))


def test_confusion_of_nothing() -> None:
    assert confusion(np.array([], int), np.array([], int), 2).tolist() == [[0, 0], [0, 0]]


def test_measure_to_json() -> None:
    document = accuracy(np.array([1, 0, 1, 1])).to_json()
    assert list(json.loads(json.dumps(document))) == ["value", "ci95", "n", "kind"]
    published = Measure(0.8, (0.7, 0.9), 10, "published", "a paper").to_json()
    assert published == {"value": 0.8, "ci95": [0.7, 0.9], "n": 10, "kind": "published", "source": "a paper"}


def test_a_difference_clustered_in_single_items_is_students_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    measure = clustered_difference(a, b, [str(item) for item in range(40)])
    d = (a - b).astype(float)
    half = student.ppf(0.975, 39) * d.std(ddof=1) / np.sqrt(40)
    assert measure.value == pytest.approx(d.mean())
    assert measure.ci95 == pytest.approx((d.mean() - half, d.mean() + half))


def test_items_that_repeat_their_group_add_no_certainty() -> None:
    a, b = np.array([1.0, 0, 1, 1, 0, 1]), np.array([0.0, 0, 1, 0, 1, 0])
    groups = list("uvwxyz")
    once = clustered_difference(a, b, groups)
    often = clustered_difference(np.repeat(a, 50), np.repeat(b, 50), np.repeat(groups, 50).tolist())
    assert often.ci95 == pytest.approx(once.ci95)
    naive = paired_difference(np.repeat(a, 50), np.repeat(b, 50))
    assert naive.ci95[1] - naive.ci95[0] < 0.3 * (often.ci95[1] - often.ci95[0])
    assert clustered_difference(a, b, ["u"] * 6) == paired_difference(a, b)


def test_paired_mean_is_the_interval_of_the_paired_t_test() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    measure = paired_mean(a, b)
    expected = ttest_rel(a, b).confidence_interval()
    assert measure.value == pytest.approx((a - b).mean())
    assert measure.ci95 == pytest.approx((expected.low, expected.high))
    assert measure.n == 30
    for bad in ([1.0], [1.0, 2.0, 3.0], [math.nan, 1.0]):
        with pytest.raises(ValueError, match="paired mean"):
            paired_mean([1.0, 2.0] if len(bad) != 1 else [1.0], bad)
