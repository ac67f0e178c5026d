"""Measures nets in ONNX Runtime, in a process whose Keras runs on TensorFlow without a GPU.

`python -m dlpractice.benchmark.backends.onnx_process REQUEST` takes a request as JSON and writes a document
to stdout. The document has those parts of what `dlp benchmark --json` prints that are read from it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.backends.onnx_runtime import conversion_bytes, convert, open_session, versions
from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device.backend import Compiled
from dlpractice.benchmark.device.machine import usable_cores
from dlpractice.benchmark.device.measurement import Figure, NetRow
from dlpractice.benchmark.device.memory import VALUE_BYTES, MemoryBudget
from dlpractice.benchmark.device.timing import Sampling, Watch
from dlpractice.benchmark.models.counting import count_work
from dlpractice.benchmark.models.throughput import input_shape
from dlpractice.benchmark.nets import build_net
from dlpractice.progress import Silent

# A share of the largest output. Float32 sums that are added in another order differ by less.
TOLERANCE = 1e-4
_PRECISION = "float32"


def answer(request: Mapping[str, Any]) -> Document:
    """Measures what `request` asks for: {"nets", "batch_size", "seed", "sampling", "memory_share"}."""
    memory = MemoryBudget(request["memory_share"])
    context = Context(Sampling(**request["sampling"]), memory, Silent(), request["seed"])
    threads = math.ceil(usable_cores())
    figures = [_prepare(name, request["batch_size"], threads, context) for name in request["nets"]]
    return {
        "environment": {"threads": threads, "versions": versions()},
        "parts": {"models": {"rows": context.measure("measuring nets", figures)}},
    }


def _prepare(name: str, batch: int, threads: int, context: Context) -> Figure:
    """The figure of a net, whose session was first seen to compute what Keras computes.

    Where it does not, or where the net cannot be converted, the figure has nothing to time and says why.
    """
    row = NetRow(name, "inference", _PRECISION)
    net = build_net(name, context.seed)
    needed = count_work(net).memory_bytes(batch, VALUE_BYTES[_PRECISION], training=False)
    why = context.memory.why_not(conversion_bytes(net) + needed, on_host=True)
    if why is None:
        try:
            return _warm_up(row, net, batch, threads, context.seed)
        # Converters fail with errors of every kind; the other nets are still to be measured.
        except Exception as error:
            why = f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
    return Figure(f"models/{row.label(batch)}", "images/s", why=why, notes=row.fields(batch))


def _warm_up(row: NetRow, net: keras.Model, batch: int, threads: int, seed: int) -> Figure:
    name, fields = f"models/{row.label(batch)}", row.fields(batch)
    call = open_session(convert(net, batch), threads)
    images = np.random.default_rng(seed).random(input_shape(net, batch)).astype(np.float32)
    difference = _difference(call, net, images)
    if not difference < TOLERANCE:
        why = f"outputs differ from Keras's by {difference:.2g} of the largest; {TOLERANCE:g} is allowed"
        return Figure(name, "images/s", why=why, notes=fields)
    watch = Watch(lambda: call(images), synchronise=lambda _: None)
    notes = fields | {"how": call.how, "provider": call.how, "difference": difference, "tolerance": TOLERANCE}
    return Figure(name, "images/s", batch, watch, notes=notes)


def _difference(call: Compiled, net: keras.Model, images: Any) -> float:
    """The largest difference between the outputs of `call` and of `net`, as a share of the largest output."""
    wanted = keras.ops.convert_to_numpy(net(images, training=False))
    return float(np.abs(call(images) - wanted).max() / np.abs(wanted).max())


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
