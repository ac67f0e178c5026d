"""Several workers stop after the same step."""

from collections.abc import Callable

import numpy as np

from dlpractice.training.devices.placement import Placement

_SECONDS = 1.0
"""About how often workers ask each other."""


class Agreement:
    """Says after a step, on all workers alike, whether any of them has noted a signal.

    A signal may reach only one worker, or reach them at different steps. If one stopped by itself, the others
    would wait for it for ever. To ask all of them lets each device wait for its step to end, so they ask
    every so many steps, by the chief's clock about once a second, and after the last step of an epoch.

    Args:
        noted: whether this worker has noted one.
    """

    def __init__(self, noted: Callable[[], bool], placement: Placement) -> None:
        self._noted, self._placement = noted, placement
        self._interval = 1

    def pace(self, seconds: float) -> None:
        """Takes the seconds of a step, as this worker measured them. All workers must call it together."""
        if self._placement.workers > 1:
            self._interval = int(self._placement.agree(max(1, int(_SECONDS / max(seconds, 1e-6)))))

    def after_step(self, step: int, *, last: bool) -> bool:
        """Whether to stop after the epoch's step `step`, counted from 1."""
        return (last or step % self._interval == 0) and self.reached()

    def reached(self) -> bool:
        """Whether a signal was noted anywhere by now. All workers must ask together."""
        if self._placement.workers == 1:
            return self._noted()
        return bool(self._placement.add_up(np.array([int(self._noted())]))[0])
