"""Smith's learning-rate range test (Smith 2017, arXiv:1506.01186).

It raises the rate step by step, and watches the loss. While rates are too low to change anything, the loss is
flat; then it falls, and rises when steps become too large. Chosen is the rate at which the smoothed loss has
fallen half of its way: there it is steep, so that the noise of single batches moves the place least. Where
it is lowest it is flat, and the place is a matter of chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlpractice.training.batches.feed import Batches
from dlpractice.training.steps import TrainStep

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 120
_SMOOTHING = 0.9
_BLOWN_UP = 4.0
_AT_ONCE = 10
"""Steps that are taken before their losses are looked at: to look at each would let the device wait."""
_FLAT = 20
"""Steps at the start, at rates up to 1e-5, over which the loss has not changed yet."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw.

    rates, losses: (n,), one for each step. smoothed: (n,), the losses smoothed. chosen: the rate.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    chosen: float


def find_learning_rate(step: TrainStep, feed: Batches) -> RangeTest:
    """Takes up to 120 steps at rates from 1e-6 to 1, and chooses the rate to train with.

    The steps change weights, optimisers and generator states. The caller restores them. Some more are taken
    after the loss has blown up, and not counted.
    """
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    batches = chain.from_iterable(map(feed.batches, count()))
    losses: list[float] = []
    while len(losses) < STEPS:
        group = rates[len(losses) : len(losses) + _AT_ONCE].tolist()
        # The rates come first: behind the last one, no further batch is asked for.
        begun = [step(batch, rate) for rate, batch in zip(group, batches, strict=False)]
        losses += map(float, begun)
        if (end := _find_end(losses)) is not None:
            return judge_range(rates[:end], losses[:end])
    return judge_range(rates, losses)


def _find_end(losses: Sequence[float]) -> int | None:
    """How many losses there are up to the first that has blown up; None if none has."""
    limit = _BLOWN_UP * losses[0]
    bad = (place for place, loss in enumerate(losses, 1) if not math.isfinite(loss) or loss > limit)
    return next(bad, None)


def judge_range(rates: ArrayLike, losses: ArrayLike) -> RangeTest:
    """Chooses the rate at which the smoothed loss has fallen half of its way from the start to its lowest.

    Where it never falls, a tenth of the rate of its lowest is chosen, which is Smith's safety margin.

    Args:
        rates: (n,), rising.
        losses: (n,), the loss seen at each rate; it need not be finite.
    """
    tried, seen = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    smoothed = _smooth(seen)
    lowest = int(np.argmin(smoothed))
    start = float(np.median(smoothed[:_FLAT]))
    half = (start + smoothed[lowest]) / 2
    below = np.flatnonzero(smoothed[: lowest + 1] <= half)
    first = int(below[0]) if len(below) else 0
    if first == 0:
        return RangeTest(tried, seen, smoothed, float(tried[lowest] / 10))
    share = (smoothed[first - 1] - half) / (smoothed[first - 1] - smoothed[first])
    chosen = tried[first - 1] ** (1 - share) * tried[first] ** share
    return RangeTest(tried, seen, smoothed, float(chosen))


def _smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of each loss and those before it, with weights that fall by a tenth a step."""
    smoothed, average = [], 0.0
    for number, loss in enumerate(np.nan_to_num(losses, nan=np.inf, posinf=np.inf), 1):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        smoothed.append(average / (1 - _SMOOTHING**number))
    return np.array(smoothed)
