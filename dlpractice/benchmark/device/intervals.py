"""Intervals of measured speeds: where the same command, run again on the same machine, would find a figure.

The repetitions of one run tell less than their number says. Neighbours in time are slow together, and what
slows a machine down for minutes (other programs, other guests of the host, heat) is the same for all of them.
So an interval is made of two parts: how blocks of neighbouring repetitions differ, and how much a reference
that is measured from the start to the end of the run drifts (`steadiness`). Both count twice, because the
other run has them as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlpractice.statistics.quantiles import Z95, student_quantile

LEAST_REPETITIONS = 3
"""With fewer repetitions there is no interval."""

_BLOCKS = 5
# The standard error of a median, in those of the mean, where values are normal: the root of pi / 2.
_OF_MEDIAN = 1.2533


def log_error(samples: Sequence[float]) -> float | None:
    """The standard error of the logarithm of the median of `samples`, in the order in which they were taken.

    Repetitions that are neighbours in time form up to five blocks, and only the medians of blocks are taken
    for independent. None where there are fewer than three repetitions.
    """
    if len(samples) < LEAST_REPETITIONS:
        return None
    blocks = np.array_split(np.log(np.asarray(samples, np.float64)), count_blocks(samples))
    medians = [float(np.median(block)) for block in blocks]
    return _OF_MEDIAN * float(np.std(medians, ddof=1)) / math.sqrt(len(medians))


def count_blocks(samples: Sequence[float]) -> int:
    """Into how many blocks `log_error` divides the repetitions."""
    return min(_BLOCKS, len(samples))


def repeat_interval(samples: Sequence[float], drift: float = 0.0) -> list[float] | None:
    """[low, high]: holds the median that the same measurement in another run finds in 95 % of cases.

    Student's interval of the difference of two medians that are equally uncertain, on a logarithmic scale,
    around the median of `samples`, which are positive. None where there are fewer than three.

    drift: the standard deviation of the logarithm of the machine's speed from minute to minute.
    """
    error = log_error(samples)
    if error is None:
        return None
    reach = math.sqrt(2) * math.hypot(student_quantile(count_blocks(samples) - 1) * error, Z95 * drift)
    middle = float(np.median(samples))
    return [middle * math.exp(-reach), middle * math.exp(reach)]


def ratio_interval(
    new: Sequence[float], old: Sequence[float], drift: float = 0.0, z: float = Z95
) -> tuple[float, float] | None:
    """The interval of the ratio of two medians, `new` over `old`: what both runs' noise leaves open.

    None where either has fewer than three repetitions.

    drift: as for `repeat_interval`, of both runs together.
    z: how many standard errors the interval would reach if these were known; 95 % by default.
    """
    errors = log_error(new), log_error(old)
    if errors[0] is None or errors[1] is None:
        return None
    freedom = min(count_blocks(new), count_blocks(old)) - 1
    reach = math.hypot(student_quantile(freedom, z) * math.hypot(errors[0], errors[1]), z * drift)
    ratio = float(np.median(new) / np.median(old))
    return ratio * math.exp(-reach), ratio * math.exp(reach)


def samples_of(row: Mapping[str, Any]) -> Sequence[float]:
    """The repetitions of a row of a result; its value where it has none."""
    return row.get("samples") or [row["value"]]
