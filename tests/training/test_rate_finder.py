"""The learning-rate finder on curves whose answer is known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.rate_finder import (
    HIGHEST,
    LOWEST,
    STEPS,
    find_learning_rate,
    judge_range,
)

RATES = np.geomspace(LOWEST, HIGHEST, STEPS)


def smooth(losses: NDArray[np.float64]) -> list[float]:
    """Weighted means, written out: weight 0.9^k for the loss k steps ago."""
    means = []
    for last in range(len(losses)):
        weights = [0.9 ** (last - index) for index in range(last + 1)]
        means.append(float(np.average(losses[: last + 1], weights=weights)))
    return means


def find_half(losses: NDArray[np.float64]) -> float:
    """The rate that is chosen, by a search along straight lines between the points."""
    means = np.array(smooth(losses))
    lowest = int(np.argmin(means))
    half = (np.median(means[:20]) + means[lowest]) / 2
    fine = np.linspace(0, lowest, 100_001)
    between = np.interp(fine, np.arange(len(means)), means)
    place = fine[np.argmax(between <= half)]
    return float(np.exp(np.interp(place, np.arange(len(means)), np.log(RATES[: len(means)]))))


def fall(seed: int, noise: float = 0.05) -> NDArray[np.float64]:
    """A loss that falls from 2 to 0.5 around a rate of 1e-3, and rises from 0.1 on."""
    position = np.log10(RATES)
    curve = 0.5 + 1.5 / (1 + np.exp(6 * (position + 3))) + np.exp(8 * (position + 0.9))
    return np.asarray(curve + noise * np.random.default_rng(seed).normal(size=STEPS))


def test_half_of_the_way_down() -> None:
    for seed in range(5):
        losses = fall(seed)
        assert judge_range(RATES, losses).chosen == pytest.approx(find_half(losses), rel=1e-3)
        np.testing.assert_allclose(judge_range(RATES, losses).smoothed, smooth(losses))
    # Smoothing lags by a few steps behind the true middle at 1e-3.
    assert 1e-3 < judge_range(RATES, fall(0, 0.0)).chosen < 3.5e-3


def test_noise_moves_it_little() -> None:
    chosen = [judge_range(RATES, fall(seed, 0.2)).chosen for seed in range(30)]
    assert max(chosen) / min(chosen) < 2


def test_a_loss_that_never_falls() -> None:
    losses = 1 + np.linspace(0, 1, STEPS)
    assert judge_range(RATES, losses).chosen == pytest.approx(RATES[0] / 10)


@pytest.mark.parametrize("end", [math.nan, math.inf, 1e308])
def test_a_loss_that_blows_up_is_not_chosen(end: float) -> None:
    losses = np.concatenate([np.full(40, 2.0), np.linspace(2, 1, 40), [end] * (STEPS - 80)])
    assert RATES[40] < judge_range(RATES, losses).chosen < RATES[79]


def feed(count: int = 12) -> Feed:
    rows = np.arange(count, dtype=np.float32)[:, None]
    return Feed(Streamed(rows), np.zeros(count, np.int64), np.ones(2, np.float32), batch_size=4, seed=0)


def test_it_goes_on_over_epochs_and_stops_at_the_highest_rate() -> None:
    seen: list[tuple[list[int], float]] = []

    def step(batch: tuple[NDArray[np.float32], ...], rate: float) -> float:
        seen.append((sorted(batch[0][:, 0]), rate))
        return 1.0 - len(seen) / 1000

    found = find_learning_rate(step, feed())  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.losses, 1 - np.arange(1, STEPS + 1) / 1000)
    assert found.rates[-1] == pytest.approx(HIGHEST)
    np.testing.assert_allclose([rate for _, rate in seen], RATES)
    epoch = [images for batch, _ in seen[:3] for images in batch]
    assert sorted(epoch) == list(range(12))
    assert [batch for batch, _ in seen[3:6]] != [batch for batch, _ in seen[:3]]


@pytest.mark.parametrize(("blow_up", "counted"), [(math.nan, 31), (math.inf, 31), (8.1, 31), (7.9, STEPS)])
def test_it_stops_soon_after_the_loss_blows_up_and_counts_no_step_behind_it(
    blow_up: float, counted: int
) -> None:
    taken = 0

    def step(batch: object, rate: float) -> float:
        nonlocal taken
        taken += 1
        return 2.0 if taken == 1 else 2.0 - taken / 100 if taken <= 30 else blow_up if taken <= 35 else -1e9

    found = find_learning_rate(step, feed())
    assert len(found.rates) == len(found.losses) == counted <= taken < counted + 10
    assert counted == STEPS or found.chosen <= RATES[29]


def test_it_looks_at_no_loss_while_there_are_steps_to_take() -> None:
    """Else the device would stand still from each step to the next."""
    taken, looked = 0, []

    class Loss:
        def __float__(self) -> float:
            looked.append(taken)
            return 1.0

    def step(batch: object, rate: float) -> Loss:
        nonlocal taken
        taken += 1
        return Loss()

    find_learning_rate(step, feed())
    assert len(looked) == STEPS
    assert len(set(looked)) <= STEPS / 10
