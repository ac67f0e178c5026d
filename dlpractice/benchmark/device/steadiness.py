"""How steady the machine is during a benchmark: a reference that is measured again and again.

What slows a machine down for minutes slows all repetitions of a figure, and no number of them shows it. So a
product of matrices on the device and a copy in the host's memory are timed at the start, between the parts
and at the end. How far they wander is the drift that belongs to every figure's interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import psutil

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.machine import usable_cores
from dlpractice.benchmark.device.timing import Clock
from dlpractice.statistics.quantiles import Z95, student_quantile

_PRODUCT_ROWS = 768
_COPIED_VALUES = 4 << 20  # 32 MiB, more than a core's own caches hold
_LOOK_SECONDS = 0.06
# Looks in passing are so many seconds apart, at least: they take time from what is to be measured.
_APART_SECONDS = 8.0

# From so many looks on the drift is known; their deviation says little before.
_LEAST_LOOKS = 3
# A machine whose reference wanders by more than this share is worth a warning.
_UNSTEADY = 0.1
# So much of the processor's time may go to others before it is worth a warning.
_BUSY = 0.1


@dataclass(frozen=True)
class Reference:
    """A call whose speed stands for the machine's. name: what it does. amount: how much of `unit` it does."""

    name: str
    unit: str
    amount: float
    call: Callable[[], object]
    synchronise: Callable[[object], None]


def make_references() -> tuple[Reference, ...]:
    """The product of two matrices on the device, and a copy in the host's memory by one thread."""
    rng = np.random.default_rng(0)
    first = backend.to_device(rng.standard_normal((_PRODUCT_ROWS, _PRODUCT_ROWS), dtype=np.float32))
    product = backend.compile_call(keras.ops.matmul)
    source, target = np.ones(_COPIED_VALUES), np.zeros(_COPIED_VALUES)
    return (
        Reference(
            "product", "TFLOP/s", 2e-12 * _PRODUCT_ROWS**3, lambda: product(first, first), backend.synchronise
        ),
        Reference("copy", "GB/s", 2e-9 * source.nbytes, lambda: np.copyto(target, source), lambda _: None),
    )


class Steadiness:
    """Looks at the references, and at who uses the processor, from its making on."""

    def __init__(
        self, references: Sequence[Reference] | None = None, clock: Clock = time.perf_counter
    ) -> None:
        self._references = make_references() if references is None else tuple(references)
        self._clock, self._started = clock, clock()
        self._seconds: list[float] = []
        self._looks: dict[str, list[float]] = {one.name: [] for one in self._references}
        self._load = psutil.getloadavg()[0]
        self._times, self._own = psutil.cpu_times(), _own_seconds()
        for one in self._references:  # the first call compiles, and brings the data into the caches
            one.synchronise(one.call())

    def look_in_passing(self) -> None:
        """Times each reference once more, unless that was done a few seconds ago."""
        if not self._seconds or self._clock() - self._started - self._seconds[-1] >= _APART_SECONDS:
            self.look()

    def look(self) -> None:
        """Times each reference once more."""
        self._seconds.append(self._clock() - self._started)
        for one in self._references:
            one.synchronise(one.call())
            self._looks[one.name].append(one.amount / self._time(one))

    def _time(self, one: Reference) -> float:
        """The seconds of one call, over about as many calls as fill a look."""
        started, calls = self._clock(), 0
        while True:
            one.synchronise(one.call())
            calls += 1
            passed = self._clock() - started
            if passed >= _LOOK_SECONDS:
                return passed / calls

    def drift(self, name: str) -> float | None:
        """The standard deviation of the logarithm of a reference's speed from look to look.

        Few looks make it larger, as Student's distribution is wider than the normal one. None where there are
        fewer than three.
        """
        values = self._looks.get(name, [])
        if len(values) < _LEAST_LOOKS:
            return None
        return float(np.std(np.log(values), ddof=1)) * student_quantile(len(values) - 1) / Z95

    def to_json(self) -> dict[str, Any]:
        """How steady the machine was until now.

        Returns: `references`, each with its looks, their range as shares of their median, and its drift as
        above; `load_average` at the start; `others_share` and `stolen_share` of the processors' time that
        went to other programs, and to other guests of the host; `warnings`, sentences for whom that concerns.
        """
        busy = self._describe_processors()
        references = [self._describe(one) for one in self._references if self._looks[one.name]]
        return {
            "references": references,
            **busy,
            "warnings": list(_warn(references, busy)),
        }

    def _describe(self, one: Reference) -> dict[str, Any]:
        values = self._looks[one.name]
        middle = float(np.median(values))
        return {
            "name": one.name,
            "unit": one.unit,
            "seconds": list(self._seconds),
            "values": list(values),
            "range": [min(values) / middle, max(values) / middle],
            "drift": self.drift(one.name),
        }

    def _describe_processors(self) -> dict[str, Any]:
        now, own = psutil.cpu_times(), _own_seconds() - self._own
        passed = sum(now) - sum(self._times)
        # Guests' time is in `user` already, on Linux; what it would be counted twice for is small.
        idle = sum(getattr(now, name, 0.0) - getattr(self._times, name, 0.0) for name in ("idle", "iowait"))
        stolen = getattr(now, "steal", 0.0) - getattr(self._times, "steal", 0.0)
        others = passed - idle - stolen - own
        return {
            "load_average": self._load,
            "cores": usable_cores(),
            "others_share": max(0.0, others / passed) if passed > 0 else 0.0,
            "stolen_share": max(0.0, stolen / passed) if passed > 0 else 0.0,
        }


def _own_seconds() -> float:
    """The processor time of this process and of the children that it has waited for."""
    times = psutil.Process().cpu_times()
    return float(
        sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system"))
    )


def _warn(references: Sequence[Mapping[str, Any]], busy: Mapping[str, Any]) -> list[str]:
    """What a reader should know before he believes a figure."""
    said = []
    if busy["load_average"] > busy["cores"]:
        said.append(
            f"the load was {busy['load_average']:.1f} on {busy['cores']:g} cores when this began: other "
            "programs compute, and every figure is too low"
        )
    elif busy["others_share"] > _BUSY:
        said.append(f"other programs took {busy['others_share']:.0%} of the processors' time meanwhile")
    if busy["stolen_share"] > _BUSY:
        said.append(f"the host gave {busy['stolen_share']:.0%} of the processors' time to its other guests")
    for one in references:
        low, high = one["range"]
        if max(1 - low, high - 1) > _UNSTEADY:
            said.append(
                f"the machine drifted: the same {one['name']} ran at {low:.2f} to {high:.2f} times its "
                "median speed during this run"
            )
    return said
