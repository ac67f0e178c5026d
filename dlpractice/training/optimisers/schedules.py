"""How the learning rate changes: by a factor in [0, 1] that depends on the step alone, and by a rule that
lowers the rate when the validation loss stops falling."""

import math
from dataclasses import dataclass

PLATEAU_PATIENCE = 5  # epochs
PLATEAU_FACTOR = 0.3


@dataclass(frozen=True)
class Schedule:
    """The factor on the learning rate over `steps` optimiser steps.

    In the first `warmup_steps` it rises linearly from near 0 to 1. Then `cosine` falls to 0 (Loshchilov and
    Hutter 2017, arXiv:1608.03983), and the others stay at 1. `plateau` is multiplied by the factor of
    `Plateau` besides.

    Args:
        shape: a name of the registry's SCHEDULES.
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
        """Counts an epoch. improved: whether it was better than all before it."""
        self.waited = 0 if improved else self.waited + 1
        if self.waited >= PLATEAU_PATIENCE:
            self.factor *= PLATEAU_FACTOR
            self.waited = 0
