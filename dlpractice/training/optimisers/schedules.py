"""How the learning rate moves: a factor in [0, 1] on the configured rate, as a function of the step alone,
and a plateau rule that follows the validation loss."""

import math
from dataclasses import dataclass

PLATEAU_PATIENCE = 5  # epochs
PLATEAU_FACTOR = 0.3


@dataclass(frozen=True)
class Schedule:
    """`steps` optimiser steps in all, the first `warmup_steps` of them rising linearly from near zero.

    shape: a name of the registry's SCHEDULES. `cosine` (Loshchilov and Hutter 2017, arXiv:1608.03983) then
    falls to zero; the others stay at 1, `plateau` times the factor that `Plateau` keeps.
    """

    shape: str
    steps: int
    warmup_steps: int = 0

    def factor(self, step: int) -> float:
        """The factor for optimiser step `step`, counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / (self.warmup_steps + 1)
        if self.shape != "cosine":
            return 1.0
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@dataclass
class Plateau:
    """Multiplies its factor by 0.3 each time five epochs have passed without a better validation loss."""

    factor: float = 1.0
    waited: int = 0

    def update(self, *, improved: bool) -> None:
        """Takes note of an epoch's end."""
        self.waited = 0 if improved else self.waited + 1
        if self.waited >= PLATEAU_PATIENCE:
            self.factor *= PLATEAU_FACTOR
            self.waited = 0
