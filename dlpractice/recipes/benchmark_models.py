"""The part `models` of a benchmark: whole nets in inference and training, and what the device can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from dlpractice.config.benchmark_sections import Models
from dlpractice.hardware import backend
from dlpractice.hardware.backend import Compiled
from dlpractice.hardware.counting import Work, count_work
from dlpractice.hardware.peaks import find_peak
from dlpractice.hardware.roofline import Roof, read_roof
from dlpractice.hardware.throughput import (
    VALUE_BYTES,
    computing_in,
    input_shape,
    output_shape,
    prepare_inference,
    prepare_training,
    random_batch,
)
from dlpractice.hardware.timing import Sampling, Timing, Watch, time_in_turn
from dlpractice.recipes.benchmark_context import Context, Document
from dlpractice.recipes.benchmark_nets import build_net

# A step of training is a forward pass, and backward two products for each of its products.
_TRAINING_COST = 3
_RAN_OUT = "memory ran out"


def measure_models(section: Models, context: Context) -> Document:
    """Rows models/NET/inference|training/PRECISION/BATCH in images/s.

    A row has the achieved `tflops`, the `intensity` in operations a byte, the shares of the measured and of
    the maker's peak in that precision, and which of compute and memory `binds`; null where a peak is not
    known. `roof`: the measured peaks; `uncounted`: layers whose operations are not in those figures.
    """
    kinds = ("inference", "training") if section.training else ("inference",)
    context.progress.stage("measuring nets", len(section.names) * len(section.precisions), "nets")
    roof = read_roof(context.measured.get("peaks"))
    rows: list[Document] = []
    uncounted: dict[str, list[str]] = {}
    for name in section.names:
        for precision in section.precisions:
            with computing_in(precision):
                net = build_net(name, context.seed)
            work = count_work(net)
            if work.unknown:
                uncounted[name] = list(work.unknown)
            for row in _measure_net(net, work, f"{name}/{{}}/{precision}", kinds, section, context):
                rows.append(_place(row, precision, roof))
            context.progress.advance()
    return {"rows": rows, "roof": roof.to_json(), "uncounted": uncounted}


@dataclass(frozen=True)
class _Figure:
    """A row in the making: a net that is warm with a batch of images, or why it is not."""

    name: str
    batch: int
    flops: float
    intensity: float
    how: str
    watch: Watch | None = None
    why: str | None = None

    def to_row(self, timing: Timing | None) -> Document:
        """The row with what was measured; without a value where nothing was."""
        row: Document = {"name": self.name, "unit": "images/s"}
        if timing is None:
            return row | {"value": None, "kind": "measured", "why": self.why or _RAN_OUT}
        measured = {"how": self.how, "tflops": self.flops / timing.median / 1e12, "intensity": self.intensity}
        return row | timing.rate(self.batch) | measured


def _measure_net(
    net: keras.Model, work: Work, label: str, kinds: tuple[str, ...], section: Models, context: Context
) -> list[Document]:
    """The rows of one net in one precision, measured in turn; a batch too large says so."""
    figures = [
        figure
        for kind in kinds
        for figure in _warm_up_batches(net, work, f"models/{label.format(kind)}", section, context)
    ]
    watches = {figure.name: figure.watch for figure in figures if figure.watch}
    timings = time_what_fits(watches, context.sampling)
    return [figure.to_row(timings.get(figure.name)) for figure in figures]


def _warm_up_batches(
    net: keras.Model, work: Work, label: str, section: Models, context: Context
) -> Iterator[_Figure]:
    """A figure for each batch size, smallest first, so that it is known what a larger one would take."""
    _, _, kind, precision = label.split("/")
    training, value_bytes = kind == "training", VALUE_BYTES[precision]
    call = prepare_training(net) if training else prepare_inference(net)
    longest = section.longest_call_seconds * (_TRAINING_COST if training else 1)
    per_image = 0.0
    for batch in sorted(set(section.batch_sizes)):
        flops = work.flops(batch, training=training)
        intensity = flops / work.bytes_moved(batch, value_bytes, training=training)
        figure = _Figure(f"{label}/{batch}", batch, flops, intensity, call.how)
        why = context.memory.why_not(work.memory_bytes(batch, value_bytes, training=training))
        if why is None and per_image * batch > longest:
            why = f"one call would take about {per_image * batch:.2g} s"
        watch = None if why else warm_up(net, call, batch, training, context.seed)
        if watch is not None:
            per_image = watch.warm_seconds / batch
        yield replace(figure, watch=watch, why=why)


def warm_up(net: keras.Model, call: Compiled, batch: int, training: bool, seed: int) -> Watch | None:
    """A call on a batch of random images, and targets where it trains, that lie on the device; None where
    memory runs out."""
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


def time_what_fits(watches: Mapping[str, Watch], sampling: Sampling) -> dict[str, Timing]:
    """The timings of all `watches`, by name. Where memory runs out although each fitted by itself, the one
    that was made last, which has the largest batch of its kind, is left out, and so on."""
    kept = dict(watches)
    while True:
        try:
            return dict(zip(kept, time_in_turn(list(kept.values()), sampling), strict=True))
        except Exception as error:
            if not kept or not backend.is_out_of_memory(error):
                raise
            kept.popitem()


def _place(row: Document, precision: str, roof: Roof) -> Document:
    """The row beside the peaks of its precision."""
    if row["value"] is None:
        return row
    vendor = find_peak(backend.list_devices()[0].model)
    published = None if vendor is None else vendor.tflops.get(precision)
    return row | {
        "share_of_measured_peak": _share(row["tflops"], roof.tflops.get(precision)),
        "share_of_vendor_peak": _share(row["tflops"], published),
        "attainable_tflops": roof.attainable(precision, row["intensity"]),
        "binds": roof.binds(precision, row["intensity"]),
    }


def _share(part: float, whole: Any) -> float | None:
    return part / float(whole) if whole else None
