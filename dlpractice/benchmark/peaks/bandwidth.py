"""How fast memory moves: copy and triad, and the way from the host to the device.

Bytes are counted as in STREAM (McCalpin, "Memory bandwidth and machine balance in current high performance
computers", 1995): each array once per kernel, two for copy and three for triad. That a processor may fetch a
line before it overwrites it is not counted, so the bus may carry half as much again as is reported.

On a CPU, NumPy runs the kernels, in as many threads as there are cores to use, and writes into arrays that
exist already. A framework would write each result into fresh memory, and the time in which the system hands
that out is no property of the memory. On a GPU, the backend runs them, which keeps its memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.machine import last_level_cache, usable_cores
from dlpractice.benchmark.device.measurement import Figure
from dlpractice.benchmark.device.memory import MEBIBYTE, MemoryBudget
from dlpractice.benchmark.device.timing import Watch

UNIT = "GB/s"
Array = NDArray[np.float64]

_LEAST_BYTES = 256 * MEBIBYTE
_SCALE = 3.0
# How many values a thread scales before it adds them in a triad: they are then still in its cache.
_BLOCK = 16_384
ARRAYS = {"copy": 2, "triad": 3}
"""How many arrays a kernel reads or writes, by its name."""


def array_bytes(mebibytes: int | None) -> int:
    """The bytes of each array: `mebibytes`, or four times the last-level cache, and at least 256 MiB.

    STREAM asks for at least four times the cache.
    """
    if mebibytes is not None:
        return mebibytes * MEBIBYTE
    return max(_LEAST_BYTES, 4 * (last_level_cache() or 0))


@contextmanager
def prepare_memory(bytes_each: int, memory: MemoryBudget) -> Iterator[list[Figure]]:
    """Figures memory/copy and memory/triad of the first device, in GB/s (10^9 bytes).

    They have to be measured within the block.
    """
    if why := memory.why_not(3 * bytes_each):
        yield [Figure(f"memory/{kernel}", UNIT, why=why, notes=_fields(kernel)) for kernel in ARRAYS]
        return
    if backend.list_devices()[0].kind != "cpu":
        calls, how = _device_kernels(bytes_each)
        yield _warm_up(calls, how, bytes_each, backend.synchronise)
        return
    threads = max(1, math.ceil(usable_cores()))
    with ThreadPoolExecutor(threads) as pool:
        calls = host_kernels(bytes_each // 8, pool, threads)
        yield _warm_up(calls, f"NumPy, {threads} threads", bytes_each, _nothing_to_wait_for)


def prepare_link(bytes_each: int, memory: MemoryBudget) -> Figure:
    """The figure link/host-to-device, in GB/s, from memory that the system is free to page out."""
    name, fields = "link/host-to-device", {"measure": "link"}
    if backend.list_devices()[0].kind == "cpu":
        return Figure(name, UNIT, why="the device is the host", notes=fields)
    if why := memory.why_not(bytes_each, on_host=True) or memory.why_not(2 * bytes_each):
        return Figure(name, UNIT, why=why, notes=fields)
    values = np.ones(bytes_each // 4, np.float32)
    watch = Watch(lambda: backend.to_device(values), synchronise=backend.synchronise)
    return Figure(name, UNIT, values.nbytes / 1e9, watch, notes=fields | {"bytes": values.nbytes})


def _fields(kernel: str) -> dict[str, str]:
    return {"measure": "memory", "kernel": kernel}


def _nothing_to_wait_for(_: object) -> None:
    """Does nothing, because a call of NumPy returns when it has finished."""


def _warm_up(
    calls: Mapping[str, Callable[[], object]],
    how: str,
    bytes_each: int,
    synchronise: Callable[[object], None],
) -> list[Figure]:
    return [
        Figure(
            f"memory/{kernel}",
            UNIT,
            ARRAYS[kernel] * bytes_each / 1e9,
            Watch(call, synchronise=synchronise),
            notes=_fields(kernel) | {"how": how, "bytes": bytes_each},
        )
        for kernel, call in calls.items()
    ]


def host_kernels(length: int, pool: ThreadPoolExecutor, threads: int) -> dict[str, Callable[[], object]]:
    """Copy and triad over arrays of `length` float64; each thread does a part.

    A call returns its target, which is the same array each time.
    """
    first, second, target = np.full(length, 1.0), np.full(length, 2.0), np.zeros(length)
    bounds = np.linspace(0, length, threads + 1, dtype=np.int64)
    parts = [slice(int(start), int(stop)) for start, stop in pairwise(bounds)]

    def copy(part: slice) -> None:
        np.copyto(target[part], first[part])

    def triad(part: slice) -> None:
        for start in range(part.start, part.stop, _BLOCK):
            block = slice(start, min(start + _BLOCK, part.stop))
            np.multiply(second[block], _SCALE, out=target[block])
            np.add(target[block], first[block], out=target[block])

    def in_parts(kernel: Callable[[slice], None]) -> Callable[[], Array]:
        def call() -> Array:
            list(pool.map(kernel, parts))
            return target

        return call

    return {"copy": in_parts(copy), "triad": in_parts(triad)}


def _device_kernels(bytes_each: int) -> tuple[dict[str, Callable[[], object]], str]:
    """Copy and triad on the device, and how they were compiled.

    The copy negates its values, so that no backend can leave it out by handing back what it was given.
    """
    first, second = (backend.to_device(np.full(bytes_each // 4, value, np.float32)) for value in (1, 2))
    copy = backend.compile_call(keras.ops.negative)
    triad = backend.compile_scaled_sum(_SCALE)
    return {"copy": lambda: copy(first), "triad": lambda: triad(first, second)}, triad.how
