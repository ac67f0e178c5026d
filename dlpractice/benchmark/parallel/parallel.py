"""The parts `data_parallel` and `model_parallel` of a benchmark: one net on several devices.

Real GPUs are timed. Logical CPUs share the cores of one machine: they show that the numbers are right and
what is exchanged, and no speed-up is ever read off them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import keras

from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device.backend import backend_name, list_devices
from dlpractice.benchmark.device.measurement import NetRow, missing_row
from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.benchmark.nets import build_net
from dlpractice.benchmark.parallel.boundaries import list_boundaries
from dlpractice.benchmark.parallel.checks import check_model_parallel, measure_mirrored
from dlpractice.benchmark.parallel.logical_devices import ask
from dlpractice.config.sections.benchmark import DataParallel, ModelParallel

_LOGICAL = 2


def measure_data_parallel(section: DataParallel, context: Context) -> Document:
    """Rows data_parallel/NET/N in images/s for 1..N GPUs, each with its `efficiency` and `exchange_share`.

    `logical` says what two logical CPUs learn and exchange, and their overhead. MirroredStrategy belongs to
    TensorFlow: under another backend, the only row says so.
    """
    if backend_name() != "tensorflow":
        why = f"MirroredStrategy belongs to TensorFlow; Keras runs on {backend_name()}"
        return {"rows": [_missing(section, why)], "logical": None}
    gpus = _list_gpus()
    net = build_net(section.model, context.seed)
    if lack := context.memory.why_not(_needed_bytes(net, section.batch_size, _LOGICAL, 8), on_host=True):
        return _too_large("data_parallel", lack)
    context.progress.stage("data parallel", 1 + len(gpus), "runs")
    rows = _measure_gpus(section, net, gpus, context)
    request = {
        "part": "data_parallel",
        "net": section.model,
        "batch": section.batch_size,
        "devices": _LOGICAL,
        "seed": context.seed,
        "sampling": asdict(context.sampling),
    }
    logical = ask(request, "tensorflow")
    context.progress.advance()
    return {"rows": rows, "model": section.model, "batch_size": section.batch_size, "logical": logical}


def _measure_gpus(
    section: DataParallel, net: keras.Model, gpus: Sequence[str], context: Context
) -> list[Document]:
    """A row for each number of GPUs from one to all; with fewer than two, a row that says so."""
    if len(gpus) < 2:
        return [_missing(section, f"this machine has {_count(len(gpus), 'GPU')}")]
    rows: list[Document] = []
    for count in range(1, len(gpus) + 1):
        row = measure_mirrored(net, section.batch_size, gpus[:count], context.sampling)
        first = rows[0]["value"] if rows else row["value"]
        rows.append(
            {
                "name": f"data_parallel/{section.model}/{count}",
                **_fields(section),
                "devices": count,
                "efficiency": row["value"] / count / first,
                **row,
            }
        )
        context.progress.advance()
    return rows


def measure_model_parallel(section: ModelParallel, context: Context) -> Document:
    """Compares the net divided by layers, and by channels, with the undivided net.

    It uses GPUs where there are as many as the section asks for, and logical CPUs elsewhere. `boundaries`
    says what crosses behind each operation, in bytes of float32 for one image. There are no rows, since a
    divided net on one machine's cores says nothing of speed.
    """
    gpus = _list_gpus()
    net = build_net(section.model, context.seed)
    needed = _needed_bytes(net, section.batch_size, section.devices, 4)
    if lack := context.memory.why_not(needed, on_host=True):
        return _too_large("model_parallel", lack)
    context.progress.stage("model parallel", 2, "runs")
    boundaries = _describe_boundaries(net)
    context.progress.advance()
    if real := len(gpus) >= section.devices:
        found = check_model_parallel(net, section.batch_size, gpus[: section.devices], section.micro_batches)
    else:
        request = {
            "part": "model_parallel",
            "net": section.model,
            "batch": section.batch_size,
            "devices": section.devices,
            "seed": context.seed,
            "micro_batches": section.micro_batches,
        }
        found = ask(request, backend_name())
    context.progress.advance()
    return {
        "rows": [],
        "model": section.model,
        "batch_size": section.batch_size,
        "on": "GPUs" if real else "logical CPUs, which share the cores: right or wrong, and no speed",
        **found,
        "boundaries": boundaries,
    }


def _list_gpus() -> list[str]:
    return [device.name for device in list_devices() if device.kind == "gpu"]


def _describe_boundaries(net: keras.Model) -> list[Document]:
    return [
        {
            "after": row.after,
            "tensors": row.tensors,
            "forward_bytes": row.forward_bytes(),
            "backward_bytes": row.backward_bytes(),
        }
        for row in list_boundaries(read_graph(net))
    ]


def _too_large(part: str, why: str) -> Document:
    return {"rows": [], "why": why, "hint": f"set {part}.batch_size lower, or choose a smaller net"}


def _fields(section: DataParallel) -> Document:
    return NetRow(section.model, "training").fields(section.batch_size)


def _missing(section: DataParallel, why: str) -> Document:
    return missing_row(f"data_parallel/{section.model}/2", "images/s", why, _fields(section))


def _needed_bytes(net: keras.Model, batch: int, devices: int, value_bytes: int) -> int:
    """About how many bytes a check takes.

    The net is there once, and once more on each device, each time with gradients and their sums; and so are
    the activations of all images, forward and back.
    """
    graph = read_graph(net)
    values = 3 * (devices + 1) * int(net.count_params()) + 2 * devices * batch * sum(graph.values)
    return value_bytes * values


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number or 'no'} {thing}s"
