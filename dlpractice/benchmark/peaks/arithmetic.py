"""How fast this device multiplies matrices: by precision and size, in short bursts and without a pause.

A product of two n x n matrices counts 2 n^3 operations. Values are random: a chip that multiplies zeros draws
less power and clocks higher than it would at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import keras
import numpy as np

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.measurement import Figure, Row, missing_row
from dlpractice.benchmark.device.memory import VALUE_BYTES, MemoryBudget
from dlpractice.benchmark.device.tensor_float_32 import tensor_float_32
from dlpractice.benchmark.device.time_limit import TimeLimit
from dlpractice.benchmark.device.timing import Clock, Timing, Watch
from dlpractice.benchmark.peaks.published_peaks import find_peak

UNIT = "TFLOP/s"

_SMALLEST = 128
_SEED = 0
_NO_LIMIT = TimeLimit()
# A sustained run is looked at every so many seconds; its result is the rate of its last half.
_LOOK_SECONDS = 0.1

Call = Callable[[], object]


def prepare_products(
    precision: str,
    sizes: Sequence[int],
    longest_call: float,
    memory: MemoryBudget,
    clock: Clock = time.perf_counter,
    limit: TimeLimit = _NO_LIMIT,
) -> list[Figure]:
    """Figures matmul/PRECISION/SIZE in TFLOP/s.

    A size that does not fit into memory has no value, and says so; so does one that would take more than
    `longest_call` seconds, by what smaller sizes took, or for which the limit leaves no time.

    sizes: the sides of the square matrices.
    """
    if why := _why_not_at_all(precision) or limit.why_not():
        return [Figure(f"matmul/{precision}", UNIT, why=why, notes=_fields(precision))]
    figures: list[Figure] = []
    with computing_in(precision):
        known = _SMALLEST, _one_call(precision, _SMALLEST, clock)
        for size in sorted(set(sizes)):
            name = f"matmul/{precision}/{size}"
            known, seconds = _foresee(precision, size, known, longest_call, clock)
            why = memory.why_not(3 * size * size * VALUE_BYTES[precision]) or limit.why_not()
            if why is None and seconds > longest_call:
                why = f"one product would take about {seconds:.2g} s"
            if why is not None:
                figures.append(Figure(name, UNIT, why=why, notes=_fields(precision, size)))
                continue
            call, how = _prepare(precision, size)
            watch = Watch(
                call,
                synchronise=backend.synchronise,
                around=lambda: computing_in(precision),
                clock=clock,
            )
            known = size, watch.warm_seconds
            notes = _fields(precision, size) | {"how": how}
            figures.append(Figure(name, UNIT, _teraflop(size), watch, notes=notes))
    return figures


def _fields(precision: str, size: int | None = None, *, sustained: bool = False) -> Row:
    return {"measure": "matmul", "precision": precision, "size": size, "sustained": sustained}


def _teraflop(size: int) -> float:
    return 2 * size**3 / 1e12


def _why_not_at_all(precision: str) -> str | None:
    if precision != "tf32":
        return None
    device = backend.list_devices()[0]
    if device.kind == "cpu":
        return "a CPU has no TF32"
    peak = find_peak(device.model)
    return None if peak is None or "tf32" in peak.tflops else f"{peak.name} has no TF32"


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Makes products in the block compute in `precision`.

    float32 means float32: a GPU is kept from rounding to TF32 by itself.
    """
    with ExitStack() as stack:
        stack.enter_context(tensor_float_32(precision == "tf32"))
        if precision == "float64":
            stack.enter_context(backend.double_precision())
        yield


def _prepare(precision: str, size: int) -> tuple[Call, str]:
    """A call that multiplies two matrices, and how it was compiled."""
    rng = np.random.default_rng(_SEED)
    dtype = "float32" if precision == "tf32" else precision
    # Entries of variance 1/n keep a product's entries near 1, in the range of float16.
    first, second = (
        keras.ops.cast(
            backend.to_device(rng.standard_normal((size, size), dtype=np.float32) / size**0.5), dtype
        )
        for _ in range(2)
    )
    compiled = backend.compile_call(keras.ops.matmul)
    return lambda: compiled(first, second), compiled.how


def _one_call(precision: str, size: int, clock: Clock) -> float:
    """The seconds of the second product of two such matrices; the first one compiles."""
    call, _ = _prepare(precision, size)
    backend.synchronise(call())
    started = clock()
    backend.synchronise(call())
    return clock() - started


def _foresee(
    precision: str, size: int, known: tuple[int, float], longest: float, clock: Clock
) -> tuple[tuple[int, float], float]:
    """Foresees how long one product of `size` takes, by the largest size that is known.

    Small products understate what a device can do. So sizes are doubled, and a single product of each is
    tried, as long as it too should be short.

    known: the largest size that was tried, and its seconds.
    longest: the most seconds that a call may take.

    Returns: the largest size that is known now with its seconds, and the seconds foreseen for `size`.
    """
    tried, seconds = known
    while 2 * tried < size and 8 * seconds <= longest:
        tried *= 2
        seconds = _one_call(precision, tried, clock)
    return (tried, seconds), seconds * (size / tried) ** 3


def missing_sustained(precision: str, why: str) -> Row:
    """The row of a sustained run that was left out."""
    return missing_row(f"matmul/{precision}/sustained", UNIT, why, _fields(precision, sustained=True))


def sustain(precision: str, burst: Row, wanted: float, clock: Clock = time.perf_counter) -> Row:
    """The row matmul/PRECISION/sustained: the rate that is left after `wanted` seconds without a pause.

    burst: the measured row of the same size in short bursts. `share_of_burst` is the sustained rate as a
        share of the burst's rate.
    """
    size = int(burst["size"])
    looks: list[float] = []
    with computing_in(precision):
        call, how = _prepare(precision, size)
        backend.synchronise(call())
        calls = max(1, round(_LOOK_SECONDS * burst["value"] / _teraflop(size)))
        started = before = clock()
        while before - started < wanted:
            for _ in range(calls - 1):
                call()
            backend.synchronise(call())
            now = clock()
            looks.append((now - before) / calls)
            before = now
    last = tuple(looks[-max(1, len(looks) // 2) :])
    timing = Timing(burst["first_call_seconds"], len(looks) - len(last), calls, last)
    row = timing.rate(_teraflop(size))
    return {
        "name": f"matmul/{precision}/sustained",
        **row,
        "unit": UNIT,
        **_fields(precision, size, sustained=True),
        "how": how,
        "seconds": before - started,
        "share_of_burst": row["value"] / burst["value"],
    }
