import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from dlpractice.statistics.measure import Measure
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
    """Groups that are half alike are worth a few trials each, less what is lost by estimating from four."""
    right = [50, 50, 40, 30, 30, 20, 40, 40]
    correct = np.concatenate([[1] * count + [0] * (50 - count) for count in right])
    measure = clustered_accuracy(correct, np.repeat(list("abcdefgh"), 50).tolist())
    assert (measure.value, measure.n, measure.groups) == (0.75, 400, 8)
    # Variance 8/7 x (2 x 12.5^2 + 3 x 2.5^2 + 2 x 7.5^2 + 17.5^2) / 400^2, of shares of 0.75.
    trials = 0.75 * 0.25 / (8 / 7 * (312.5 + 18.75 + 112.5 + 306.25) / 400**2)
    lost = (norm.ppf(0.975) / student.ppf(0.975, 7)) ** 2
    assert measure.ci95 == pytest.approx(wilson(0.75, trials * lost))


def test_clustered_accuracy_has_no_more_trials_than_distinct_items() -> None:
    groups = list("aaaaaaaabbbbbbbb")
    assert clustered_accuracy([1, 0] * 8, groups, distinct=4).ci95 == pytest.approx(wilson(0.5, 2))
    groups = np.repeat(np.arange(20), 4).tolist()
    lost = (norm.ppf(0.975) / student.ppf(0.975, 19)) ** 2
    assert clustered_accuracy([1, 0] * 40, groups, distinct=40).ci95 == pytest.approx(wilson(0.5, 40 * lost))


@pytest.mark.parametrize("measure", [clustered_accuracy, accuracy])
def test_where_all_are_right_every_group_counts_as_one(measure: Callable[..., Measure]) -> None:
    """Nothing then tells how groups differ. 60 photographs in ten copies each: 80 of 80 is 8 of 8."""
    copies = measure([1] * 80, np.repeat(list("abcdefgh"), 10).tolist())
    assert copies == Measure(1.0, (pytest.approx(0.6756, abs=5e-5), 1.0), 80, groups=8)
    assert copies.ci95 == wilson(1, 8)
    assert measure([0] * 80, np.repeat(list("abcdefgh"), 10).tolist()).ci95 == wilson(0, 8)
    # 9, 1, 1 and 1 items are worth 12^2 / (81 + 3), less than four equal groups and more than one.
    assert measure([1] * 12, list("aaaaaaaaabcd")).ci95 == pytest.approx(wilson(1, 144 / 84))


@pytest.mark.parametrize("measure", [clustered_accuracy, accuracy])
def test_a_single_group_counts_as_one(measure: Callable[..., Measure]) -> None:
    assert measure([1, 0, 1, 1], "aaaa") == Measure(0.75, wilson(0.75, 1), 4, groups=1)


def test_copies_of_images_say_what_the_images_say() -> None:
    """Whatever the number of copies, if all images have it, and whatever was right."""
    for right in range(9):
        one = [1] * right + [0] * (8 - right)
        for copies in (2, 3, 10):
            groups = np.repeat(np.arange(8).astype(str), copies).tolist()
            assert accuracy(np.repeat(one, copies), groups).ci95 == pytest.approx(accuracy(one).ci95)


def test_images_on_their_own_have_wilsons_interval() -> None:
    for right in range(9):
        correct = [1] * right + [0] * (8 - right)
        assert accuracy(correct, list("abcdefgh")) == accuracy(correct)


def test_what_is_hardly_bound_is_hardly_less_sure() -> None:
    """One pair among 1,000 images takes less than a hundredth of the trials."""
    correct = np.random.default_rng(0).random(1000) < 0.9
    groups = ["0", "0", *map(str, range(2, 1000))]
    bound, plain = (
        measure.ci95[1] - measure.ci95[0] for measure in (accuracy(correct, groups), accuracy(correct))
    )
    assert plain < bound < 1.005 * plain


@pytest.mark.parametrize(
    ("mean", "correlation", "count"), [(0.75, 0.5, 12), (0.9, 0.4, 12), (0.9, 1.0, 12), (0.97, 0.4, 80)]
)
def test_accuracy_of_bound_images_covers_the_truth(mean: float, correlation: float, count: int) -> None:
    """1,000 test sets of films of 5 to 25 frames: in 92 to 99 % the interval holds the mean.

    Korn and Graubard's own numbers hold it in 88 % of the second case and in 71 % of the third.
    """
    rng = np.random.default_rng(5)
    shape = max(1e-9, 1 / correlation - 1)
    held = []
    for _ in range(1000):
        sizes = rng.integers(5, 26, count)
        chances = (
            rng.beta(mean * shape, (1 - mean) * shape, count) if correlation < 1 else rng.random(count) < mean
        )
        correct = rng.random(sizes.sum()) < np.repeat(chances, sizes)
        low, high = accuracy(correct, np.repeat(np.arange(count), sizes).tolist()).ci95
        held.append(low <= mean <= high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_the_interval_of_bound_images_is_about_that_of_a_bootstrap_of_groups() -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(5, 16, 60)
    groups = np.repeat(np.arange(60), sizes)
    correct = rng.random(len(groups)) < np.repeat(rng.beta(2.5, 1, 60), sizes)
    sums = np.bincount(groups, correct)
    drawn = rng.integers(0, 60, (4000, 60))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    measure = accuracy(correct, groups.astype(str).tolist())
    assert measure.ci95 == pytest.approx((low, high), abs=0.015)
    assert high - low > 1.5 * (accuracy(correct).ci95[1] - accuracy(correct).ci95[0])


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
    names = np.repeat(np.arange(groups), size).tolist()
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
    groups = [str(item // 5) for item in range(300)]
    for index, measure in enumerate(per_class_accuracy(labels, predicted, names, groups).values()):
        members = np.flatnonzero(labels == index)
        assert measure == accuracy(predicted[members] == index, [groups[item] for item in members])
