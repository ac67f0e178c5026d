import math
from statistics import fmean, pstdev

import numpy as np
import pytest
from scipy.stats import norm, ttest_rel

from dlpractice.statistics.differences import (
    paired_difference,
    paired_interval,
    paired_mean,
    unpaired_interval,
)
from dlpractice.statistics.quantiles import Z95, shared_z
from dlpractice.statistics.shares import wilson


def test_unpaired_interval_is_newcombes() -> None:
    # Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10.
    assert unpaired_interval(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_unpaired_interval_of_equal_shares_and_of_the_ends() -> None:
    assert unpaired_interval(0, 10, 0, 10) == pytest.approx((-wilson(0, 10)[1], wilson(0, 10)[1]))
    low, high = unpaired_interval(1, 10, 0, 20)
    assert (low, high) == (pytest.approx(1 - math.hypot(1 - wilson(1, 10)[0], wilson(0, 20)[1])), 1)


@pytest.mark.parametrize("z", [Z95, shared_z(10)])
def test_paired_interval_is_that_of_two_more_items(z: float) -> None:
    a, b = np.random.default_rng(0).integers(0, 3, (2, 200)) / 2
    differences = [*(a - b).tolist(), 1.0, -1.0]
    middle, half = fmean(differences), z * pstdev(differences) / math.sqrt(202)
    assert paired_interval(a, b, z) == pytest.approx((middle - half, middle + half), rel=0, abs=1e-15)


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


def test_groups_of_single_items_change_nothing() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    assert paired_difference(a, b, [str(item) for item in range(40)]) == paired_difference(a, b)


def test_items_that_repeat_their_group_add_no_certainty() -> None:
    a, b = np.array([1.0, 0, 1, 1, 0, 1]), np.array([0.0, 0, 1, 0, 1, 0])
    groups = list("uvwxyz")
    once = paired_difference(a, b, groups)
    often = paired_difference(np.repeat(a, 50), np.repeat(b, 50), np.repeat(groups, 50).tolist())
    assert often.ci95 == pytest.approx(once.ci95)
    assert (once.n, once.groups, often.n, often.groups) == (6, None, 300, 6)
    naive = paired_difference(np.repeat(a, 50), np.repeat(b, 50))
    assert naive.ci95[1] - naive.ci95[0] < 0.3 * (often.ci95[1] - often.ci95[0])
    one = paired_difference(a, b, ["u"] * 6)  # a single group is one item, with the mean of its differences
    d = (a - b)[None, :]
    middle, square = d.mean() / 3, ((d**2).mean() + 2) / 3
    half = Z95 * math.sqrt((square - middle**2) / 3)
    assert one.ci95 == pytest.approx((max(-1, middle - half), min(1, middle + half)))


@pytest.mark.parametrize("discordant", [0, 1])
def test_answers_alike_in_bound_images_are_as_sure_as_groups_are_many(discordant: int) -> None:
    """Where all differences are 0, nothing tells how groups differ: copies say no more than one of them."""
    a = np.ones(8)
    b = np.array([1.0] * (8 - discordant) + [0.0] * discordant)
    plain = paired_difference(a, b)
    copies = paired_difference(np.repeat(a, 10), np.repeat(b, 10), np.repeat(list("abcdefgh"), 10).tolist())
    assert copies.ci95 == pytest.approx(plain.ci95)
    assert copies.ci95[0] < 0 < copies.ci95[1]


def test_paired_difference_of_bound_images_covers_the_truth() -> None:
    """400 pairs of test sets of 25 films of 2 to 20 frames, easy or hard as a whole: 93 to 99 % of the
    intervals hold the true difference, of those of independent images fewer than 80 %."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(400):
        sizes = rng.integers(2, 21, 25)
        names = np.repeat(np.arange(25).astype(str), sizes).tolist()
        chances = np.repeat(rng.beta(2, 0.5, (25, 2)), sizes, axis=0) * (1.0, 0.9)
        a, b = (rng.random(chances.shape) < chances).astype(float).T
        intervals = paired_interval(a, b, groups=names), paired_interval(a, b)
        held.append([low <= 0.8 - 0.72 <= high for low, high in intervals])
    bound, independent = np.mean(held, axis=0)
    assert 0.93 <= bound <= 0.99
    assert independent < 0.8


def test_more_comparisons_make_the_interval_of_bound_images_wider() -> None:
    a, b = np.random.default_rng(3).integers(0, 2, (2, 60))
    groups = np.repeat(np.arange(6).astype(str), 10).tolist()
    (low, high), (lower, higher) = (paired_interval(a, b, z, groups) for z in (Z95, shared_z(10)))
    assert lower < low < high < higher


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


def test_a_paired_mean_of_bound_items_is_that_of_their_groups() -> None:
    """With groups of one size it is Student's interval of the means of the groups."""
    a, b = np.random.default_rng(0).normal(size=(2, 30)) + np.repeat(np.arange(6), 5)
    measure = paired_mean(a, b, np.repeat(list("abcdef"), 5).tolist())
    expected = ttest_rel(*(values.reshape(6, 5).mean(axis=1) for values in (a, b))).confidence_interval()
    assert measure.ci95 == pytest.approx((expected.low, expected.high))
    assert (measure.n, measure.groups) == (30, 6)
    with pytest.raises(ValueError, match="in one group"):
        paired_mean([1.0, 2.0], [0.0, 0.0], ["a", "a"])


def test_an_interval_stays_within_what_a_difference_can_be() -> None:
    """Two groups that disagree: Student's interval with one degree of freedom is wider than -1 to 1."""
    first, second = [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]
    low, high = paired_difference(first, second, ["a", "a", "b", "b"]).ci95
    assert -1 <= low < -0.6 and 0.8 < high <= 1


def test_two_items_are_enough_for_a_paired_mean() -> None:
    found = paired_mean([1.0, 4.0], [0.0, 1.0])
    assert (found.value, found.n) == (2.0, 2)
    with pytest.raises(ValueError, match="two or more"):
        paired_mean([1.0], [0.0])
