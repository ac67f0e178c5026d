"""The figures of one net in one precision: inference or training, one for each size of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.backend import Compiled
from dlpractice.benchmark.device.measurement import RAN_OUT, Figure, NetRow
from dlpractice.benchmark.device.memory import VALUE_BYTES
from dlpractice.benchmark.device.peak_memory import PeakMemory
from dlpractice.benchmark.device.tensor_float_32 import arithmetic_of
from dlpractice.benchmark.device.time_limit import TimeLimit
from dlpractice.benchmark.device.timing import Watch
from dlpractice.benchmark.models.counting import Work
from dlpractice.benchmark.models.throughput import (
    input_shape,
    output_shape,
    prepare_inference,
    prepare_training,
    random_batch,
)
from dlpractice.config.sections.benchmark import Models

# A training step is a forward pass, and a backward pass with two products for each product of the first.
_TRAINING_COST = 3
_UNIT = "images/s"

_SIZES = {"cpu": (1, 8), "gpu": (1, 8, 64, 256)}
_MOST = 65_536


def choose_batch_sizes(section: Models) -> tuple[tuple[int, ...], bool]:
    """The sizes of batches, smallest first, and whether they are doubled further as long as they fit.

    Without sizes in the config these are 1 and 8 on a CPU; on a GPU 1, 8, 64, 256 and the largest that fits.
    """
    if section.batch_sizes is not None:
        return tuple(sorted(set(section.batch_sizes))), False
    kind = backend.list_devices()[0].kind
    return _SIZES[kind], kind == "gpu"


def warm_up_batches(
    net: keras.Model,
    work: Work,
    row: NetRow,
    section: Models,
    context: Context,
    limit: TimeLimit,
    memory: PeakMemory,
) -> Iterator[Figure]:
    """A figure for each batch size, smallest first: these tell how long a larger one would take.

    Where sizes are doubled, the last figure is that of the largest that fits, and says so.

    limit: when no further size may begin; the first one may, as long as the part has time.
    memory: was made before the net.
    """
    warming = _Warming(net, work, row, section, context, limit, memory)
    sizes, doubling = choose_batch_sizes(section)
    for batch in sizes:
        yield warming.figure(batch)
    if not doubling or not warming.fits:
        return
    largest = None
    while warming.fits and (batch := 2 * warming.last) <= _MOST:
        found = warming.figure(batch, largest=True)
        largest = found if found.watch is not None else largest
    if largest is not None:
        yield largest


class _Warming:
    """Makes the figures of one net and remembers how the batch before went.

    fits: whether it could be computed. last: its size.
    """

    def __init__(
        self,
        net: keras.Model,
        work: Work,
        row: NetRow,
        section: Models,
        context: Context,
        limit: TimeLimit,
        memory: PeakMemory,
    ) -> None:
        self._net, self._work, self._row, self._context = net, work, row, context
        self._limit, self._memory = limit, memory
        self._training, self._value_bytes = row.work == "training", VALUE_BYTES[row.precision]
        self._longest = section.longest_call_seconds * (_TRAINING_COST if self._training else 1)
        self._call: Compiled | None = None
        self._per_image = 0.0
        self.fits, self.last = True, 0

    def figure(self, batch: int, *, largest: bool = False) -> Figure:
        """The figure of a batch size, warmed up, or with the reason why it is not."""
        name, fields = f"models/{self._row.label(batch)}", self._row.fields(batch)
        why, watch = self._why_not(batch), None
        if why is None:
            self._memory.begin()
            watch = warm_up(self._net, self._prepared(), batch, self._training, self._context.seed)
            why = RAN_OUT
        self.fits, self.last = watch is not None, batch
        if watch is None:
            return Figure(name, _UNIT, why=why, notes=fields)
        self._per_image = watch.warm_seconds / batch
        notes = fields | self._notes(batch) | ({"largest_that_fits": True} if largest else {})
        return Figure(name, _UNIT, batch, watch, notes=notes)

    def _prepared(self) -> Compiled:
        """The net as a call; it is compiled once, as far as the backend can."""
        if self._call is None:
            prepare = prepare_training if self._training else prepare_inference
            self._call = prepare(self._net, xla=self._row.compiler == "xla")
        return self._call

    def _why_not(self, batch: int) -> str | None:
        needed = self._work.memory_bytes(batch, self._value_bytes, training=self._training)
        if why := self._context.memory.why_not(needed):
            return why
        if self._per_image * batch > self._longest:
            return f"one call would take about {self._per_image * batch:.2g} s"
        return (self._limit if self.last else self._context.time).why_not()

    def _notes(self, batch: int) -> dict[str, object]:
        flops = self._work.flops(batch, training=self._training)
        rise = self._memory.rise()
        return {
            "how": self._prepared().how,
            "arithmetic": arithmetic_of(self._row.precision),
            "flops": flops / batch,
            "intensity": flops / self._work.bytes_moved(batch, self._value_bytes, training=self._training),
            **({} if rise is None else {"peak_memory_bytes": rise}),
        }


def warm_up(net: keras.Model, call: Compiled, batch: int, training: bool, seed: int) -> Watch | None:
    """Warms up a call on a batch of random images on the device, with targets where it trains.

    Gives None where memory runs out.
    """
    rng = np.random.default_rng(seed)
    try:
        arguments = [random_batch(input_shape(net, batch), rng)]
        if training:
            arguments.append(random_batch(output_shape(net, batch), rng))
        return Watch(lambda: call(*arguments), synchronise=backend.synchronise)
    except Exception as error:
        if not backend.is_out_of_memory(error):
            raise
        return None
