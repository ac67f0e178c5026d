"""The part `models` of a benchmark: whole nets in inference and training, and what the device can reach."""

from __future__ import annotations

from collections.abc import Iterator
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
from dlpractice.hardware.timing import Timing, time_calls
from dlpractice.recipes.benchmark_context import Context, Document
from dlpractice.recipes.benchmark_nets import build_net

# A step of training is a forward pass, and backward two products for each of its products.
_TRAINING_COST = 3


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


def _measure_net(
    net: keras.Model, work: Work, label: str, kinds: tuple[str, ...], section: Models, context: Context
) -> Iterator[Document]:
    """The rows of one net in one precision; a batch too large for memory or time says so."""
    value_bytes = VALUE_BYTES[label.rpartition("/")[2]]
    for kind in kinds:
        call = prepare_training(net) if kind == "training" else prepare_inference(net)
        cost = _TRAINING_COST if kind == "training" else 1
        per_image: float | None = None
        for batch in sorted(set(section.batch_sizes)):
            name = f"models/{label.format(kind)}/{batch}"
            training = kind == "training"
            why = context.memory.why_not(work.memory_bytes(batch, value_bytes, training=training))
            if why is None and per_image and per_image * batch > section.longest_call_seconds * cost:
                why = f"one call would take about {per_image * batch:.2g} s"
            if why is not None:
                yield {"name": name, "value": None, "unit": "images/s", "kind": "measured", "why": why}
                continue
            try:
                timing = time_net(net, call, batch, training, context)
            except Exception as error:
                if not backend.is_out_of_memory(error):
                    raise
                why = "memory ran out"
                yield {"name": name, "value": None, "unit": "images/s", "kind": "measured", "why": why}
                continue
            per_image = timing.median / batch
            flops = work.flops(batch, training=training)
            yield {
                "name": name,
                **timing.rate(batch),
                "unit": "images/s",
                "how": call.how,
                "tflops": flops / timing.median / 1e12,
                "intensity": flops / work.bytes_moved(batch, value_bytes, training=training),
            }


def time_net(net: keras.Model, call: Compiled, batch: int, training: bool, context: Context) -> Timing:
    """Times a call on a batch of random images, and targets where it trains, that lie on the device."""
    rng = np.random.default_rng(context.seed)
    arguments = [random_batch(input_shape(net, batch), rng)]
    if training:
        arguments.append(random_batch(output_shape(net, batch), rng))
    return time_calls(
        lambda: call(*arguments), synchronise=backend.synchronise, repetitions=context.repetitions
    )


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
