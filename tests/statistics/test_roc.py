import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dlpractice.errors import DataError, ModelError
from dlpractice.statistics.roc import (
    accuracy_at,
    best_threshold,
    choose_threshold,
    equal_error_rate,
    roc_auc,
)
from dlpractice.statistics.shares import clustered_accuracy

SAME = np.array([True, True, True, False, False, False])


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    same = rng.random(n) < 0.5
    return np.round(rng.normal(size=n) + same, 1), same  # rounded: with ties


@pytest.mark.parametrize("seed", range(4))
def test_roc_auc_is_scikit_learns_and_that_of_a_loop(seed: int) -> None:
    scores, same = drawn(seed)
    assert roc_auc(scores, same) == pytest.approx(roc_auc_score(same, scores), abs=1e-12)
    wins = [(a > b) + (a == b) / 2 for a in scores[same] for b in scores[~same]]
    assert roc_auc(scores, same) == sum(wins) / len(wins)  # whole and half wins add up exactly


def test_rates_at_thresholds_are_those_of_a_loop() -> None:
    for seed in range(4):
        scores, same = drawn(seed, 60)
        levels = [-np.inf, *np.unique(scores), np.inf]
        middles = [(a + b) / 2 for a, b in pairwise(levels)]
        accepts = [np.mean(scores[~same] >= middle) for middle in middles]
        rejects = [np.mean(scores[same] < middle) for middle in middles]
        crossing = next(place for place in range(len(middles)) if accepts[place] <= rejects[place])
        ends = [(accepts[place], rejects[place]) for place in (crossing - 1, crossing)]
        assert ends[1][0] <= equal_error_rate(scores, same) <= ends[0][0]
        assert ends[0][1] <= equal_error_rate(scores, same) <= ends[1][1]


def test_infinite_scores_stand_in_the_order_like_others() -> None:
    scores, same = drawn(5)
    extreme = np.where(scores == scores.max(), np.inf, np.where(scores == scores.min(), -np.inf, scores))
    assert roc_auc(extreme, same) == roc_auc(scores, same)
    assert equal_error_rate(extreme, same) == equal_error_rate(scores, same)
    # No threshold refuses an infinite score, and none may say that it does.
    never = best_threshold([np.inf] * 6, SAME)
    assert (never.false_accept_rate, never.false_reject_rate) == (1, 0)


def test_perfect_reversed_and_constant_scores() -> None:
    perfect = SAME.astype(float)
    assert (roc_auc(perfect, SAME), equal_error_rate(perfect, SAME)) == (1, 0)
    assert (roc_auc(-perfect, SAME), equal_error_rate(-perfect, SAME)) == (0, 1)
    assert (roc_auc(np.ones(6), SAME), equal_error_rate(np.ones(6), SAME)) == (0.5, 0.5)


def test_equal_error_rate_where_the_rates_meet() -> None:
    # Between 0.4 and 0.6 one of three different pairs is accepted and one of three same pairs refused.
    assert equal_error_rate([0.9, 0.8, 0.4, 0.6, 0.2, 0.1], SAME) == pytest.approx(1 / 3)


def test_equal_error_rate_of_two_normals() -> None:
    rng = np.random.default_rng(0)
    same = np.arange(200_000) % 2 == 0
    expected = 0.5 * math.erfc(1 / math.sqrt(2))  # means 2 apart, threshold half way
    assert equal_error_rate(rng.normal(size=same.size) + 2 * same, same) == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_choose_threshold_is_the_lowest_that_keeps_the_rate(seed: int, rate: float) -> None:
    scores, same = drawn(seed)
    threshold = choose_threshold(scores, same, rate)
    accepted = scores >= threshold.value
    assert threshold.false_accept_rate == pytest.approx(accepted[~same].mean()) and threshold.n == 400
    assert threshold.false_reject_rate == pytest.approx((~accepted[same]).mean())
    assert threshold.false_accept_rate <= rate
    lower = scores[scores < threshold.value].max()
    assert (scores[~same] >= lower).mean() > rate


def test_a_rate_that_is_met_exactly_is_kept() -> None:
    scores, same = np.arange(200.0), np.arange(200) % 2 == 0
    assert choose_threshold(scores, same, 0.01).false_accept_rate == 0.01


def test_a_threshold_is_finite_even_where_nothing_may_be_accepted() -> None:
    threshold = choose_threshold([1, 1, 1, 1, 1, 1], SAME, 0.4)
    assert 1 < threshold.value < 1.001
    assert (threshold.false_accept_rate, threshold.false_reject_rate) == (0, 1)


@pytest.mark.parametrize("rate", [0, 1, -0.1, math.nan])
def test_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(ValueError, match="lies in"):
        choose_threshold([0, 1, 1, 0, 1, 1], SAME, rate)


def test_a_rate_that_so_few_pairs_cannot_show() -> None:
    with pytest.raises(DataError, match=r"3 pairs of different classes cannot show .* 0\.01") as caught:
        choose_threshold([0, 1, 1, 0, 1, 1], SAME, 0.01)
    assert "0.33" in caught.value.hint


@pytest.mark.parametrize("seed", range(4))
def test_best_threshold_against_all_thresholds(seed: int) -> None:
    scores, same = drawn(seed)
    best = max(((scores >= t) == same).mean() for t in [*np.unique(scores), np.inf])
    threshold = best_threshold(scores, same)
    assert ((scores >= threshold.value) == same).mean() == pytest.approx(best)
    share = (threshold.false_accept_rate * (~same).sum() + threshold.false_reject_rate * same.sum()) / 400
    assert 1 - share == pytest.approx(best)


def test_best_threshold_lies_in_the_middle_of_the_gap() -> None:
    assert best_threshold([0.8, 0.9, 0.7, 0.1, 0.2, 0.3], SAME).value == pytest.approx(0.5)


def test_neighbouring_floats_are_told_apart() -> None:
    low = 1.0
    high = np.nextafter(low, 2)
    threshold = best_threshold([high, high, high, low, low, low], SAME)
    assert (threshold.false_accept_rate, threshold.false_reject_rate) == (0, 0)


def test_accuracy_at_a_threshold_chosen_elsewhere() -> None:
    scores, groups = [0.9, 0.5, 0.4, 0.6, 0.2, 0.1], list("aabbcc")
    measure = accuracy_at(0.5, scores, SAME, groups)
    assert measure == clustered_accuracy([1, 1, 0, 0, 1, 1], groups)
    assert measure.value == pytest.approx(4 / 6)


def test_what_is_no_set_of_pairs() -> None:
    with pytest.raises(DataError, match="only one kind"):
        roc_auc([1.0, 2.0], [True, True])
    with pytest.raises(ValueError, match="a kind for each score"):
        roc_auc([1.0, 2.0], [True])
    with pytest.raises(ModelError, match="NaN"):
        best_threshold([math.nan] * 6, SAME)


def test_a_single_score_that_is_no_number_is_refused() -> None:
    scores = np.array([0.9, 0.8, np.nan, 0.1, 0.2, 0.3])
    with pytest.raises(ModelError, match="NaN"):
        roc_auc(scores, SAME)
