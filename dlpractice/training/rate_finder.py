"""Smith's learning-rate range test (Smith 2017, arXiv:1506.01186).

It raises the rate step by step, and watches the loss.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from dlpractice.training.batches.feed import Batches
from dlpractice.training.steps import TrainStep

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
_SMOOTHING = 0.9
_BLOWN_UP = 4.0


def find_learning_rate(step: TrainStep, feed: Batches) -> float:
    """Takes up to 100 steps at rates from 1e-6 to 1, and returns the rate to train with.

    The steps change weights, optimisers and generator states. The caller restores them.
    """
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    losses: list[float] = []
    epoch = 0
    while len(losses) < STEPS:
        for batch in feed.batches(epoch):
            losses.append(float(step(batch, float(rates[len(losses)]))))
            if len(losses) == STEPS or not math.isfinite(losses[-1]) or losses[-1] > _BLOWN_UP * losses[0]:
                return choose_rate(rates[: len(losses)], losses)
        epoch += 1
    return choose_rate(rates, losses)


def choose_rate(rates: ArrayLike, losses: ArrayLike) -> float:
    """A tenth of the rate at which the smoothed loss was lowest.

    Beyond the lowest point the steps are too large; a tenth of its rate is Smith's safety margin.

    Args:
        rates: (n,), rising.
        losses: (n,), the loss seen at each rate; it need not be finite.
    """
    smoothed, average = [], 0.0
    finite_or_infinite = np.nan_to_num(np.asarray(losses, float), nan=np.inf, posinf=np.inf)
    for count, loss in enumerate(finite_or_infinite, 1):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        smoothed.append(average / (1 - _SMOOTHING**count))
    return float(np.asarray(rates)[int(np.argmin(smoothed))] / 10)
