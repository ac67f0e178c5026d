"""How long a benchmark may take: each part gets its share, and what it leaves goes to those after it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlpractice.benchmark.device.timing import Clock

NO_TIME = "no time was left within time_limit_seconds"
"""Why a row has no value, where it was left out for lack of time."""


@dataclass(frozen=True)
class TimeLimit:
    """When something has to be done.

    It is asked before something begins; what has begun, such as compiling a net, is not cut short.

    ends: by the clock, in seconds.
    """

    ends: float = math.inf
    clock: Clock = time.perf_counter

    def left(self) -> float:
        """The seconds that are left; 0 where none are."""
        return max(0.0, self.ends - self.clock())

    def share(self, part: float) -> TimeLimit:
        """The limit of something that may take `part`, in (0, 1], of what is left."""
        return replace(self, ends=self.clock() + part * self.left())

    def why_not(self, seconds: float = 0.0) -> str | None:
        """Why something of so many seconds may not begin, in words for a row; None where it may."""
        return None if self.left() > seconds else NO_TIME


def list_left_out(measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of rows, and of whole parts, that were left out for lack of time.

    measured: the documents of the parts, by the part's name.
    """

    def names() -> Iterator[str]:
        for name, part in measured.items():
            if part.get("why") == NO_TIME:
                yield name
            yield from (row["name"] for row in part["rows"] if row.get("why") == NO_TIME)

    return list(names())
