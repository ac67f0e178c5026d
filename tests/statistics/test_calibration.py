"""Temperature, calibration error and the surest answers, against forecasters that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.statistics.calibration import (
    BINS,
    bin_answers,
    calibration_error,
    fit_temperature,
    select_answers,
    soften,
    soften_across,
)

Floats = NDArray[np.float64]


def draw_honest(n: int, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Logits of three classes, and labels that are drawn from their softmax."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    chances = soften(logits, 1.0)
    labels = (rng.random(n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    return logits, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_factor_that_logits_were_multiplied_by_is_found(factor: float) -> None:
    logits, labels = draw_honest(4000)
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.06)


def test_a_temperature_softens_as_its_definition_says() -> None:
    logits = np.array([[1.0, 2.0, 4.0]])
    powers = np.exp(logits / 2.5)
    np.testing.assert_allclose(soften(logits, 2.5), powers / powers.sum())
    # Logarithms of probabilities do as well as logits, which is all that an exported net gives.
    np.testing.assert_allclose(soften(np.log(soften(logits, 1.0)), 2.5), soften(logits, 2.5))


def test_answers_that_are_all_right_are_not_called_certain() -> None:
    logits = np.array([[1.0, 0.0]] * 20)
    temperature = fit_temperature(logits, np.zeros(20, int))
    assert 0.05 < temperature < 1
    assert soften(logits, temperature).max() < 0.999


def test_no_image_is_judged_by_a_temperature_that_it_had_a_part_in() -> None:
    logits, labels = draw_honest(50)
    groups = [f"pair-{number // 2}" for number in range(50)]
    before = soften_across(logits, labels, groups)
    labels[7] = (labels[7] + 1) % 3  # which changes the temperature of all but its own pair and fold
    after = soften_across(logits, labels, groups)
    same = (before == after).all(axis=1)
    assert same[6] and same[7]
    assert 10 <= same.sum() <= 12


def test_the_error_is_that_of_a_loop_over_bins() -> None:
    rng = np.random.default_rng(1)
    confidence = np.append(rng.random(300), [0.0, 1.0, 2 / BINS])
    correct = rng.random(303) < confidence**2
    expected = 0.0
    for place in range(BINS):
        low, high = place / BINS, (place + 1) / BINS
        inside = [i for i, sure in enumerate(confidence) if low < sure <= high or (place == 0 and sure == 0)]
        gap = np.mean(correct[inside]) - np.mean(confidence[inside])
        expected += len(inside) / 303 * abs(gap)
    found = calibration_error(confidence, correct)
    assert found.value == pytest.approx(expected)
    assert found.ci95[0] <= found.value <= found.ci95[1]
    bins = bin_answers(confidence, correct)
    assert sum(one.n * abs(one.accuracy - one.confidence) for one in bins) / 303 == pytest.approx(expected)


def test_intervals_hold_what_is_true() -> None:
    """Of a forecaster that is 0.1 too sure, whose error is 0.1, at 150 images drawn 20 times."""
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.5, 0.95, 150)
        low, high = calibration_error(confidence, rng.random(150) < confidence - 0.1).ci95
        held += low <= 0.1 <= high
    assert held >= 17


def test_groups_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    confidence = np.repeat(rng.uniform(0.6, 1, 30), 10)
    correct = np.repeat(rng.random(30) < 0.7, 10)
    loose = calibration_error(confidence, correct).ci95
    bound = calibration_error(confidence, correct, [str(number // 10) for number in range(300)])
    assert bound.groups == 30
    assert bound.ci95[1] - bound.ci95[0] > 1.5 * (loose[1] - loose[0])


def test_what_is_left_of_the_surest_answers() -> None:
    confidence = np.array([0.5, 0.5, 0.7, 0.9])
    found = select_answers(confidence, np.array([0, 1, 0, 1]))
    assert [(one.threshold, one.coverage, one.accuracy.value) for one in found] == [
        (0.5, 1.0, 0.5),
        (0.7, 0.5, 0.5),
        (0.9, 0.25, 1.0),
    ]
    assert [one.accuracy.n for one in found] == [4, 2, 1]
    rng = np.random.default_rng(0)
    many = select_answers(rng.random(5000), np.ones(5000), [str(number) for number in range(5000)])
    assert len(many) == 100
    assert many[0].coverage == 1


def test_a_single_image_says_nothing_of_how_far_the_error_reaches() -> None:
    assert calibration_error([0.99], [1.0]).ci95 == (0.0, 1.0)
    assert calibration_error([0.9, 0.8], [1.0, 1.0], ["a", "a"]).ci95 == (0.0, 1.0)
