"""Which precision is worth it here: how many times the speed of float32 the nets reach in another one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlpractice.benchmark.device.intervals import count_blocks, log_error, samples_of
from dlpractice.statistics.quantiles import Z95, student_quantile

Row = Mapping[str, Any]

_DRAWS = 2000
_SEED = 0
# A net that is faster by less is no reason to change the precision.
_WORTH = 1.05


def compare_precisions(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """For each precision but float32, in training and in inference, the median ratio over nets.

    Both sides of a ratio were measured in turn, so that the drift of the machine is in both and falls out.
    The interval is that of the median when each ratio moves by its own noise.

    rows: measured rows of the part `models`.
    """
    base = {_kind(row): row for row in rows if row["precision"] == "float32"}
    for precision in dict.fromkeys(row["precision"] for row in rows if row["precision"] != "float32"):
        for work in ("training", "inference"):
            pairs = [
                (row, base[_kind(row)])
                for row in rows
                if (row["precision"], row["work"]) == (precision, work) and _kind(row) in base
            ]
            if pairs:
                yield _answer(precision, work, pairs)


def _kind(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("net", "work", "batch", "compiler"))


def _answer(precision: str, work: str, pairs: Sequence[tuple[Row, Row]]) -> dict[str, Any]:
    logs = np.log([row["value"] / other["value"] for row, other in pairs])
    errors = [_error(*pair) for pair in pairs]
    drawn = logs + np.random.default_rng(_SEED).standard_normal((_DRAWS, len(pairs))) * errors
    low, high = np.exp(np.percentile(np.median(drawn, axis=1), (2.5, 97.5)))
    ratio, least, most = (float(np.exp(value)) for value in (np.median(logs), logs.min(), logs.max()))
    said = (
        f"{precision} is {ratio:.2f} times float32 in {work} ({low:.2f}-{high:.2f}; {least:.2f} to "
        f"{most:.2f} by net and batch): {_judge(low, high)}"
    )
    return {
        "question": "precision",
        "answer": said,
        "precision": precision,
        "work": work,
        "ratio": ratio,
        "ci95": [float(low), float(high)],
        "range": [least, most],
        "n": len(pairs),
    }


def _error(row: Row, other: Row) -> float:
    """How far noise moves the logarithm of a ratio; few repetitions make it wider, as Student's do."""
    errors = [log_error(samples_of(one)) for one in (row, other)]
    known = [error for error in errors if error is not None]
    freedom = min(count_blocks(samples_of(one)) for one in (row, other)) - 1
    return math.hypot(*known) * student_quantile(max(1, freedom)) / Z95


def _judge(low: float, high: float) -> str:
    if low > _WORTH:
        return "worth it"
    return "not worth it" if high < _WORTH else "the figures leave it open"
