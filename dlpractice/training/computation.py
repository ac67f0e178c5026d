"""What computes in a stage: its step and its forward pass, compiled by XLA or not, as asked or as is faster.

Compiled, all batches of a stage have one size, because each further size would be compiled again, which takes
seconds. Those that are smaller are filled up with rows without weight, which count neither in the loss nor in
batch normalisation. Only where a net that normalises batches computes them in parts, whose statistics are
each part's own, the batches keep their sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dlpractice.training.assignment import Settings, Subject
from dlpractice.training.batches.feed import Batches
from dlpractice.training.devices.compilation import normalises_batches
from dlpractice.training.devices.compile_choice import (
    Compilation,
    choose_compilation,
    describe_timing,
    find_obstacle,
)
from dlpractice.training.devices.placement import Placement
from dlpractice.training.forward import Forward, compile_forward
from dlpractice.training.optimisers.loss_scale import LossScale
from dlpractice.training.optimisers.optimisers import Group
from dlpractice.training.steps import TrainStep, compile_train_step


@dataclass(frozen=True)
class Computation:
    """The step and the forward pass of a stage, to be had compiled and not.

    Args:
        groups, scale: the optimisers, and what the loss is scaled by, if it is.
    """

    subject: Subject
    settings: Settings
    feed: Batches
    groups: tuple[Group, ...]
    scale: LossScale | None
    placement: Placement
    _steps: dict[bool, TrainStep] = field(default_factory=dict)

    def step(self, compiled: bool) -> TrainStep:
        """A step of training, made once; to compile it is left to its first call."""
        if compiled not in self._steps:
            self._steps[compiled] = compile_train_step(
                self.subject.loss,
                self.groups,
                self.placement,
                self.settings.accumulation_steps,
                scale=self.scale,
                prepare=self.feed.prepare,
                compiled=compiled,
                rows=self._rows() if compiled else 0,
            )
        return self._steps[compiled]

    def forward(self, compiled: bool) -> Forward:
        """The forward pass of what the examinations score."""
        return compile_forward(self.subject.scored, self.placement, compiled=compiled)

    def choose(self, restoring: Callable[[Callable[[], Compilation]], Compilation]) -> Compilation:
        """Whether to compile: what the settings say, or what is faster.

        Args:
            restoring: calls a function that changes weights, optimisers and generators, puts them back to the
                bit, and returns what the function does.
        """
        asked = self.settings.compiled
        if not asked:
            return Compilation(False, {})
        if self.placement.replicas > 1 and normalises_batches(self.subject.model):
            return Compilation(False, {}, "the net normalises batches over several devices")
        batch = next(iter(self.feed.batches(0)))

        def take_step(compiled: bool) -> object:
            return np.asarray(self.step(compiled)(batch, 0.0))

        if asked is True:

            def try_out() -> Compilation:
                obstacle = find_obstacle(lambda: take_step(True), self.placement)
                return Compilation(not obstacle, {}, obstacle)

            return restoring(try_out)
        timing = describe_timing(
            self.subject.model,
            batch,
            self.settings.precision,
            self.settings.accumulation_steps,
            self.placement,
        )
        steps = self.settings.epochs * self.feed.steps
        return restoring(
            lambda: choose_compilation(
                timing,
                steps,
                self.placement,
                lambda compiled: lambda: take_step(compiled),
            )
        )

    def _rows(self) -> int:
        if self.settings.accumulation_steps > 1 and normalises_batches(self.subject.model):
            return 0
        return self.feed.rows_to_fill
