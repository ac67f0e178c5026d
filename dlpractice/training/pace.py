"""How long a stage of training will take, told from its first steps."""

import time
from collections.abc import Callable

_SECONDS, _STEPS = 1.0, 6
"""What is watched at least. The first step is left out: in it much is compiled."""
_BELOW, _ABOVE = 0.8, 1.5
"""How far the range reaches beyond the slower and the faster half of what was watched. Upwards it is further:
examinations at the ends of long epochs are not seen yet, and other programs may come."""


class Pace:
    """Watches the first steps of a stage, and tells once what they let expect."""

    def __init__(self, steps: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """steps: of the whole stage."""
        self._steps, self._clock = steps, clock
        self._ends: list[float] = []
        self.is_told = False

    def tick(self) -> tuple[float, float] | None:
        """A step has ended. Returns the range of seconds that the whole stage will take, when enough has been
        seen; None before. It is to be called until then."""
        self._ends.append(self._clock())
        seen = len(self._ends) - 1
        lasted = self._ends[-1] - self._ends[0]
        if seen < _STEPS or (lasted < _SECONDS and seen < self._steps // 10):
            return None
        self.is_told = True
        middle = seen // 2
        halves = (
            (self._ends[middle] - self._ends[0]) / middle,
            (self._ends[-1] - self._ends[middle]) / (seen - middle),
        )
        return _BELOW * min(halves) * self._steps, _ABOVE * max(halves) * self._steps


def describe_seconds(low: float, high: float) -> str:
    """A range of seconds in words, such as "5 to 12 s", "2 to 4 min" or "1.5 to 3 h"."""
    units = (("s", 1), ("min", 60), ("h", 3600))
    unit, size = next((unit, size) for unit, size in units if high < 100 * size or unit == "h")
    return f"{low / size:.2g} to {high / size:.2g} {unit}"
