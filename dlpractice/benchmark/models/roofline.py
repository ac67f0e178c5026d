"""The roofline model (Williams, Waterman and Patterson 2009, Communications of the ACM 52(4)).

A computation that does I operations for each byte can reach min(peak, I x bandwidth). The ridge point is peak
/ bandwidth: below it memory limits the speed, above it arithmetic does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Roof:
    """What a device was measured to reach.

    tflops: TFLOP/s of multiplying matrices, by precision.
    memory: GB/s; None where it is not known.
    """

    tflops: Mapping[str, float]
    memory: float | None

    def ridge(self, precision: str) -> float | None:
        """The operations a byte above which arithmetic limits the speed; None where a peak is not known."""
        if self.memory is None or precision not in self.tflops:
            return None
        return 1000 * self.tflops[precision] / self.memory

    def attainable(self, precision: str, intensity: float) -> float | None:
        """The TFLOP/s that a computation of `intensity` operations a byte can reach; None as for `ridge`."""
        if self.memory is None or precision not in self.tflops:
            return None
        return min(self.tflops[precision], intensity * self.memory / 1000)

    def binds(self, precision: str, intensity: float) -> str | None:
        """What limits the speed, `compute` or `memory`; None where the peaks are not known."""
        ridge = self.ridge(precision)
        if ridge is None:
            return None
        return "compute" if intensity >= ridge else "memory"

    def to_json(self) -> dict[str, Any]:
        """The roof as it stands in a result."""
        ridges = {precision: self.ridge(precision) for precision in self.tflops}
        return {"tflops": dict(self.tflops), "memory_gb_s": self.memory, "ridge": ridges}


def read_roof(peaks: Mapping[str, Any] | None) -> Roof:
    """The roof by the document of the part `peaks`.

    It takes the fastest product of each precision, and the fastest movement of memory.
    """
    tflops: dict[str, float] = {}
    memory = None
    for row in (peaks or {"rows": []})["rows"]:
        if row["value"] is None:
            continue
        if row["measure"] == "matmul":
            precision = row["precision"]
            tflops[precision] = max(tflops.get(precision, 0.0), row["value"])
        elif row["measure"] == "memory":
            memory = max(memory or 0.0, row["value"])
    return Roof(tflops, memory)
