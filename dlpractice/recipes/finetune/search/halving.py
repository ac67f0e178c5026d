"""When a trial is given up: asynchronous successive halving that knows how noisy validation is.

Of the trials that have reached epoch 3, 9, 27, ... only the best third goes on (ASHA; Li et al. 2020,
arXiv:1810.05934). That rule alone would give up trials that are as good as the best for all that a few
validation images can tell. So a trial is given up only if it is also worse than the best one at that epoch by
more than noise: the 95 % interval of the difference of their errors lies above 0. It is the interval for two
samples, which is wider than a paired one where both err on the same images.

Optuna's own pruner writes into the study as it decides, and would decide otherwise after a kill. Here the
decision is a function of the scores.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlpractice.statistics.differences import unpaired_interval
from dlpractice.statistics.quantiles import Z95

FIRST, FACTOR = 3, 3
"""The epoch of the first decision, and the factor to the next one; a FACTOR-th of the trials goes on."""


@dataclass(frozen=True)
class Validation:
    """How exact validation is.

    images: how many there are. trials: how many independent ones they are worth at
    least, which is the number of groups that they belong to."""

    images: int
    trials: int


def score_epochs(rows: Sequence[Mapping[str, Any]], images: int) -> float:
    """What a training would score if it ended after `rows` of metrics.csv; lower is better.

    The whole part is the number of validation images, of `images`, that the weights it would keep are wrong
    about; those are of the epoch with the lowest loss. The rest, below 1, grows with that loss, and breaks
    ties.
    """
    finite = [row for row in rows if math.isfinite(row["val_loss"])]
    if not finite:
        return float(images)
    kept = min(finite, key=lambda row: float(row["val_loss"]))
    loss = max(0.0, float(kept["val_loss"]))
    return round(images * (1 - float(kept["val_accuracy"]))) + min(loss / (1 + loss), 1 - 1e-9)


def is_rung(epoch: int) -> bool:
    """Whether it is decided after `epoch`, counted from 1 over all stages, if a trial goes on."""
    while epoch > FIRST and epoch % FACTOR == 0:
        epoch //= FACTOR
    return epoch == FIRST


def is_beaten(score: float, others: Sequence[float], validation: Validation) -> bool:
    """Whether a trial is given up.

    Args:
        score: of `score_epochs`, at a rung.
        others: the scores there of the trials before it, as far as they came.
    """
    competing = sorted([score, *others])
    if score <= competing[max(1, len(competing) // FACTOR) - 1]:
        return False
    error, lowest = (math.floor(value) / validation.images for value in (score, competing[0]))
    return unpaired_interval(error, validation.trials, lowest, validation.trials, Z95)[0] > 0
