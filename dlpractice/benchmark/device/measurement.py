"""Figures of a benchmark: the call that is timed for each, and the row that comes of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.timing import Clock, Sampling, Timing, Watch, count_rounds, time_in_turn

Row = dict[str, Any]

RAN_OUT = "memory ran out"


@dataclass(frozen=True)
class Figure:
    """A figure that is to be measured, or that cannot be.

    name: unique in a result.
    unit: something per second, such as `images/s`.
    amount: how much of that one call does.
    watch: the call that is timed; None where there is nothing to time, and `why` gives the reason.
    notes: further fields of the row.
    """

    name: str
    unit: str
    amount: float = 0.0
    watch: Watch | None = None
    why: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_row(self, timing: Timing | None) -> Row:
        """The row with what was measured; without a timing, a row without a value that says why."""
        if timing is None:
            return missing_row(self.name, self.unit, self.why or RAN_OUT, self.notes)
        return {"name": self.name, **timing.rate(self.amount), "unit": self.unit, **self.notes}


@dataclass(frozen=True)
class NetRow:
    """What a row about a whole net says of itself, apart from the size of its batch.

    work: `inference` or `training`.
    compiler: `default`, or `xla` where TensorFlow was told to use XLA.
    """

    net: str
    work: str
    precision: str = "float32"
    compiler: str = "default"

    def label(self, batch: int) -> str:
        """The last part of the row's name."""
        label = f"{self.net}/{self.work}/{self.precision}/{batch}"
        return label if self.compiler == "default" else f"{label}/{self.compiler}"

    def fields(self, batch: int) -> Row:
        """The parts of the label, and the batch size, as fields of the row."""
        return {**asdict(self), "batch": batch}


def missing_row(name: str, unit: str, why: str, notes: Mapping[str, Any] | None = None) -> Row:
    """The row of a figure that could not be measured; `why` says what was in the way."""
    return {"name": name, "value": None, "unit": unit, "kind": "measured", "why": why, **(notes or {})}


def measure_in_turn(
    figures: Sequence[Figure],
    sampling: Sampling,
    *,
    starting: Callable[[int], object] = lambda rounds: None,
    after_round: Callable[[], object] = lambda: None,
    clock: Clock = time.perf_counter,
    seconds: float = math.inf,
) -> list[Row]:
    """Measures all figures in turn, a repetition of each per round, and gives their rows in the same order.

    Each figure fitted into memory when it was warmed up, but all together may not. Where memory runs out, the
    last figure is left out and measuring begins again; then the one before it, and so on.

    starting: is told how many rounds there will be, before the first.
    after_round: is called after each round.
    seconds: about the most that measuring may take; there are three rounds even so.
    """
    kept = {figure.name: figure.watch for figure in figures if figure.watch is not None}
    while True:
        watches = list(kept.values())
        rounds = count_rounds(watches, sampling, seconds)
        starting(rounds)
        try:
            timings = dict(zip(kept, time_in_turn(watches, rounds, after_round), strict=True))
        except Exception as error:
            if not kept or not backend.is_out_of_memory(error):
                raise
            kept.popitem()
        else:
            return [figure.to_row(timings.get(figure.name)) for figure in figures]
