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
    choose_rate,
    find_learning_rate,
)

RATES = np.geomspace(LOWEST, HIGHEST, STEPS)


def smooth(losses: NDArray[np.float64]) -> list[float]:
    """Weighted means, written out: weight 0.9^k for the loss k steps ago."""
    means = []
    for last in range(len(losses)):
        weights = [0.9 ** (last - index) for index in range(last + 1)]
        means.append(float(np.average(losses[: last + 1], weights=weights)))
    return means


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_tenth_of_where_the_smoothed_loss_is_lowest(noise: float) -> None:
    position = np.log10(RATES)
    losses = 1 + (position + 2) ** 2 + noise * np.random.default_rng(0).normal(size=STEPS)
    assert choose_rate(RATES, losses) == pytest.approx(RATES[int(np.argmin(smooth(losses)))] / 10)
    # Smoothing lags by a few steps behind the true minimum at 1e-2.
    assert 1e-3 <= choose_rate(RATES, losses) < 10**-2.2


@pytest.mark.parametrize("end", [math.nan, math.inf, 1e308])
def test_a_loss_that_blows_up_is_not_chosen(end: float) -> None:
    losses = np.concatenate([np.linspace(2, 1, 60), [end] * 40])
    assert choose_rate(RATES, losses) == pytest.approx(RATES[59] / 10)


def feed(count: int = 12) -> Feed:
    rows = np.arange(count, dtype=np.float32)[:, None]
    return Feed(Streamed(rows), np.zeros(count, np.int64), np.ones(2, np.float32), batch_size=4, seed=0)


def test_it_goes_on_over_epochs_and_stops_at_a_hundred_steps() -> None:
    seen: list[tuple[list[int], float]] = []

    def step(batch: tuple[NDArray[np.float32], ...], rate: float) -> float:
        seen.append((sorted(batch[0][:, 0]), rate))
        return 1.0 - len(seen) / 1000

    assert find_learning_rate(step, feed()) == pytest.approx(HIGHEST / 10)  # type: ignore[arg-type]
    np.testing.assert_allclose([rate for _, rate in seen], RATES)
    epoch = [images for batch, _ in seen[:3] for images in batch]
    assert sorted(epoch) == list(range(12))
    assert [batch for batch, _ in seen[3:6]] != [batch for batch, _ in seen[:3]]


@pytest.mark.parametrize(("blow_up", "steps"), [(math.nan, 31), (math.inf, 31), (8.1, 31), (7.9, STEPS)])
def test_it_stops_when_the_loss_blows_up(blow_up: float, steps: int) -> None:
    taken = 0

    def step(batch: object, rate: float) -> float:
        nonlocal taken
        taken += 1
        return 2.0 - taken / 100 if taken <= 30 and taken > 1 else 2.0 if taken == 1 else blow_up

    assert find_learning_rate(step, feed()) == pytest.approx(RATES[29] / 10)
    assert taken == steps
