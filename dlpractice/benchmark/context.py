"""What each part of a benchmark is given, besides its own section of the config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlpractice.benchmark.device.measurement import Figure, Row, measure_in_turn
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.time_limit import TimeLimit
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.progress import Progress

Document = dict[str, Any]
"""What a part returns: {"rows": [...], ...}; see docs/benchmark.md."""


@dataclass(frozen=True)
class Context:
    """What the parts of one benchmark share.

    sampling: how often each figure is measured.
    memory: how much memory a measurement may take.
    progress: is told what is being measured.
    seed: for the weights of nets and for random images.
    measured: the documents of the parts that have run, by the part's name.
    time: when the part has to be done.
    look: looks at how steady the machine is; called where a measurement is interrupted anyway.
    """

    sampling: Sampling
    memory: MemoryBudget
    progress: Progress
    seed: int
    measured: Mapping[str, Document] = field(default_factory=dict)
    time: TimeLimit = field(default_factory=TimeLimit)
    look: Callable[[], object] = lambda: None

    def measure(self, stage: str, figures: Sequence[Figure]) -> list[Row]:
        """Measures `figures` in turn and gives their rows; the user sees the stage called `stage`."""

        def after_round() -> None:
            self.progress.advance()
            self.look()

        return measure_in_turn(
            figures,
            self.sampling,
            starting=lambda rounds: self.progress.stage(stage, rounds, "rounds"),
            after_round=after_round,
            seconds=self.time.left(),
        )
