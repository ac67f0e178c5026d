"""The parts `data_parallel` and `model_parallel` of a benchmark: one net on several devices.

Real GPUs are timed. Logical CPUs share the cores of one machine: they show that the numbers are right and
what is exchanged, and no speed-up is ever read off them.
"""

from __future__ import annotations

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

    `logical`: what two logical CPUs learn and exchange, and their overhead.
    """
    name = f"data_parallel/{section.model}"
    fields = NetRow(section.model, "training").fields(section.batch_size)
    if backend_name() != "tensorflow":
        why = f"MirroredStrategy belongs to TensorFlow; Keras runs on {backend_name()}"
        return {"rows": [missing_row(f"{name}/2", "images/s", why, fields)], "logical": None}
    gpus = [device.name for device in list_devices() if device.kind == "gpu"]
    net = build_net(section.model, context.seed)
    if lack := context.memory.why_not(_needed_bytes(net, section.batch_size, _LOGICAL, 8), on_host=True):
        return {
            "rows": [],
            "why": lack,
            "hint": "set data_parallel.batch_size lower, or choose a smaller net",
        }
    context.progress.stage("data parallel", 1 + len(gpus), "runs")
    rows: list[Document] = []
    if len(gpus) < 2:
        rows.append(
            missing_row(f"{name}/2", "images/s", f"this machine has {_count(len(gpus), 'GPU')}", fields)
        )
    else:
        for count in range(1, len(gpus) + 1):
            row = measure_mirrored(net, section.batch_size, gpus[:count], context.sampling)
            first = rows[0]["value"] if rows else row["value"]
            efficiency = row["value"] / count / first
            about = {"name": f"{name}/{count}", **fields, "devices": count, "efficiency": efficiency}
            rows.append({**about, **row})
            context.progress.advance()
    logical = ask(
        {
            "part": "data_parallel",
            "net": section.model,
            "batch": section.batch_size,
            "devices": _LOGICAL,
            "seed": context.seed,
            "sampling": asdict(context.sampling),
        },
        "tensorflow",
    )
    context.progress.advance()
    return {"rows": rows, "model": section.model, "batch_size": section.batch_size, "logical": logical}


def measure_model_parallel(section: ModelParallel, context: Context) -> Document:
    """Holds the net divided by layers and by channels against the undivided one, on GPUs where there are as
    many as the section asks for, and else on logical CPUs.

    `boundaries`: what crosses behind each operation, in bytes of float32 for one image. There are no rows: a
    divided net on one machine's cores says nothing of speed.
    """
    gpus = [device.name for device in list_devices() if device.kind == "gpu"]
    net = build_net(section.model, context.seed)
    needed = _needed_bytes(net, section.batch_size, section.devices, 4)
    if why := context.memory.why_not(needed, on_host=True):
        return {
            "rows": [],
            "why": why,
            "hint": "set model_parallel.batch_size lower, or choose a smaller net",
        }
    context.progress.stage("model parallel", 2, "runs")
    boundaries = [
        {
            "after": row.after,
            "tensors": row.tensors,
            "forward_bytes": row.forward_bytes(),
            "backward_bytes": row.backward_bytes(),
        }
        for row in list_boundaries(read_graph(net))
    ]
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


def _needed_bytes(net: keras.Model, batch: int, devices: int, value_bytes: int) -> int:
    """About what a check takes: the net and a copy on each device, each with gradients and their sums, and
    the activations of all images, forward and back."""
    graph = read_graph(net)
    values = 3 * (devices + 1) * int(net.count_params()) + 2 * devices * batch * sum(graph.values)
    return value_bytes * values


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number or 'no'} {thing}s"
