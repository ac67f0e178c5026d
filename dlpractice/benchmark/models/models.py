"""The part `models` of a benchmark: whole nets in inference and training, held against the device's peaks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.backend import Compiled
from dlpractice.benchmark.device.measurement import Figure, NetRow
from dlpractice.benchmark.device.memory import VALUE_BYTES
from dlpractice.benchmark.device.tensor_float_32 import arithmetic_of
from dlpractice.benchmark.device.timing import Watch
from dlpractice.benchmark.models.binding import find_binding
from dlpractice.benchmark.models.counting import Work, count_work
from dlpractice.benchmark.models.roofline import Roof, read_roof
from dlpractice.benchmark.models.throughput import (
    computing_in,
    input_shape,
    output_shape,
    prepare_inference,
    prepare_training,
    random_batch,
)
from dlpractice.benchmark.nets import build_net
from dlpractice.benchmark.peaks.published_peaks import find_peak
from dlpractice.config.sections.benchmark import Models

# A training step is a forward pass, and a backward pass with two products for each product of the first.
_TRAINING_COST = 3
_UNIT = "images/s"


def measure_models(section: Models, context: Context) -> Document:
    """Rows models/NET/WORK/PRECISION/BATCH in images/s, with the four parts of the name as fields.

    WORK is `inference` or `training`. Where TensorFlow was told to use XLA, the name ends in `/xla`. A row
    has the achieved `tflops`, the `intensity` in operations a byte, the `arithmetic` of its products (`tf32`
    where float32 is rounded to it), its shares of the measured peak and of the maker's peak in that
    arithmetic, and what `binds` (see `binding`); null where a peak is not known. `roof`: the measured peaks.
    `uncounted`: layers whose operations are not in those figures.
    """
    roof = read_roof(context.measured.get("peaks"))
    uncounted: dict[str, list[str]] = {}
    rows: list[Document] = []
    group: list[Figure] = []
    for name, precision in product(section.names, section.precisions):
        with computing_in(precision):
            net = build_net(name, context.seed)
        work = count_work(net)
        if work.unknown:
            uncounted[name] = list(work.unknown)
        # As many nets take turns as memory allows: the more there are, the longer the time of each.
        if group and context.memory.why_not(_largest_load(work, precision, section)):
            rows += context.measure("measuring nets", group)
            group = []
        context.progress.stage(f"warming up {name} in {precision}", 1, "net")
        for done, compiler in product(_works(section), _compilers(section)):
            row = NetRow(name, done, precision, compiler)
            group += _warm_up_batches(net, work, row, section, context)
        context.progress.advance()
    rows += context.measure("measuring nets", group)
    rows = [_place(row, roof) for row in rows]
    measured = [row for row in rows if row["value"] is not None]
    for found in measured:
        found["binds"] = find_binding(found, measured, roof)
    return {
        "rows": rows,
        "roof": roof.to_json(),
        "uncounted": uncounted,
    }


def _works(section: Models) -> tuple[str, ...]:
    return ("inference", "training") if section.training else ("inference",)


def _compilers(section: Models) -> tuple[str, ...]:
    """How nets are compiled: other backends than TensorFlow have one way only."""
    return section.compilers if backend.backend_name() == "tensorflow" else ("default",)


def _largest_load(work: Work, precision: str, section: Models) -> int:
    """The most bytes that any of the net's measurements needs."""
    return work.memory_bytes(max(section.batch_sizes), VALUE_BYTES[precision], training=section.training)


def _warm_up_batches(
    net: keras.Model, work: Work, row: NetRow, section: Models, context: Context
) -> Iterator[Figure]:
    """A figure for each batch size, smallest first: these tell how long a larger one would take."""
    training, value_bytes = row.work == "training", VALUE_BYTES[row.precision]
    prepare = prepare_training if training else prepare_inference
    call = prepare(net, xla=row.compiler == "xla")
    longest = section.longest_call_seconds * (_TRAINING_COST if training else 1)
    per_image = 0.0
    for batch in sorted(set(section.batch_sizes)):
        name, fields = f"models/{row.label(batch)}", row.fields(batch)
        why = context.memory.why_not(work.memory_bytes(batch, value_bytes, training=training))
        if why is None and per_image * batch > longest:
            why = f"one call would take about {per_image * batch:.2g} s"
        watch = None if why else warm_up(net, call, batch, training, context.seed)
        if watch is None:
            yield Figure(name, _UNIT, why=why, notes=fields)
            continue
        per_image = watch.warm_seconds / batch
        flops = work.flops(batch, training=training)
        notes = fields | {
            "how": call.how,
            "arithmetic": arithmetic_of(row.precision),
            "flops": flops / batch,
            "intensity": flops / work.bytes_moved(batch, value_bytes, training=training),
        }
        yield Figure(name, _UNIT, batch, watch, notes=notes)


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


def _place(row: Document, roof: Roof) -> Document:
    """Adds to a row how it compares with the peaks of its arithmetic."""
    if row["value"] is None:
        return row
    arithmetic = row["arithmetic"]
    tflops = row["value"] * row["flops"] / 1e12
    vendor = find_peak(backend.list_devices()[0].model)
    published = None if vendor is None else vendor.tflops.get(arithmetic)
    return row | {
        "tflops": tflops,
        "share_of_measured_peak": _share(tflops, roof.tflops.get(arithmetic)),
        "share_of_vendor_peak": _share(tflops, published),
        "attainable_tflops": roof.attainable(arithmetic, row["intensity"]),
    }


def _share(part: float, whole: Any) -> float | None:
    return part / float(whole) if whole else None
