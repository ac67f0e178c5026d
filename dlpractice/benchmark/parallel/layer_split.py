"""One net divided by layers over devices, as a pipeline with micro-batches, run for real.

It is the pipeline of Huang et al. 2019, GPipe, arXiv:1811.06965, on the devices of this machine.

Layers run as they do in inference: batch normalisation uses its moving statistics, and dropout is off. With
the statistics of a batch, as in the paper, every micro-batch would be normalised by itself, and the divided
net would compute another function than the undivided one. As it is, outputs and gradients are the same
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.models.graphs import (
    Graph,
    Operation,
    call_operation,
    copy_layer,
    move,
    variables_of,
)
from dlpractice.benchmark.parallel.gradients import pull_back
from dlpractice.errors import HardwareError


@dataclass(frozen=True)
class Stage:
    """Consecutive operations on one device.

    layers: for each operation, a copy of its layer whose weights live on `device`.
    weights: the trainable variables of these copies, each with the path of the variable that it was copied
        from.
    takes, gives: the tensors that come in and go out, by number in the graph.
    """

    device: str
    graph: Graph
    operations: tuple[Operation, ...]
    layers: tuple[Any, ...]
    weights: tuple[tuple[str, Any], ...]
    takes: tuple[int, ...]
    gives: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """What a step computed.

    outputs: those of the net, an array for each, for all images.
    gradients: by the path of the variable in the undivided model; of the mean over images of half the squared
        distance between outputs and targets.
    """

    outputs: tuple[Any, ...]
    gradients: dict[str, Any]


def balance(costs: Sequence[float], stages: int) -> tuple[int, ...]:
    """Where to cut a sequence of costs into stages, so that the dearest stage is as cheap as can be.

    costs: of each operation, FLOPs or seconds.
    stages: how many stages to make.

    Returns the cuts, each as the number of operations before it.

    Raises HardwareError for more stages than operations.
    """
    count = len(costs)
    if not 1 <= stages <= count:
        raise HardwareError(f"{count} operations cannot make {stages} stages", "ask for fewer devices")
    sums = np.concatenate([[0.0], np.cumsum(costs)])
    # best[k][n]: the dearest of k + 1 stages over the first n operations; the last starts at start[k][n].
    best = [[float(sums[n]) for n in range(count + 1)]]
    starts: list[list[int]] = [[0] * (count + 1)]
    for stage in range(1, stages):
        row, start = [float("inf")] * (count + 1), [0] * (count + 1)
        for end in range(stage + 1, count + 1):
            choices = [max(best[-1][cut], float(sums[end] - sums[cut])) for cut in range(stage, end)]
            row[end] = min(choices)
            start[end] = stage + choices.index(row[end])
        best.append(row)
        starts.append(start)
    cuts, end = [], count
    for start in reversed(starts[1:]):
        end = start[end]
        cuts.append(end)
    return tuple(reversed(cuts))


def split_layers(graph: Graph, cuts: Sequence[int], devices: Sequence[str]) -> tuple[Stage, ...]:
    """Copies the layers between two cuts to one device, weights included, and so on for all devices.

    cuts: as `balance` gives them, one fewer than devices.

    Raises HardwareError where they are not that many.
    """
    if len(cuts) != len(devices) - 1:
        raise HardwareError(
            f"{len(cuts)} cuts make {len(cuts) + 1} stages, for {len(devices)} devices",
            "give one cut fewer than devices",
        )
    bounds = [0, *cuts, len(graph.operations)]
    live = [graph.inputs, *(graph.live(cut) for cut in cuts), graph.outputs]
    return tuple(
        _build_stage(graph, graph.operations[start:end], live[index], live[index + 1], devices[index])
        for index, (start, end) in enumerate(pairwise(bounds))
    )


def _build_stage(
    graph: Graph, operations: tuple[Operation, ...], takes: Sequence[int], gives: Sequence[int], device: str
) -> Stage:
    copies: dict[int, Any] = {}  # a layer that is called twice has one copy
    weights: list[tuple[str, Any]] = []
    for op in operations:
        if id(op.layer) in copies:
            continue
        copy = copies[id(op.layer)] = copy_layer(op.layer, device)
        pairs = zip(variables_of(op.layer), variables_of(copy), strict=True)
        weights += [(variable.path, ours) for variable, ours in pairs]
    layers = tuple(copies[id(op.layer)] for op in operations)
    return Stage(device, graph, operations, layers, tuple(weights), tuple(takes), tuple(gives))


def run_forward(stages: Sequence[Stage], images: Any, micro_batches: int) -> tuple[Any, ...]:
    """Takes (N, ...) images through all stages in `micro_batches` parts, and joins the outputs."""
    parts = []
    for piece in _divide(images, micro_batches):
        values: tuple[Any, ...] = (piece,)
        for stage in stages:
            values = _call(stage, values)
        parts.append(values)
    return tuple(keras.ops.concatenate(pieces, axis=0) for pieces in zip(*parts, strict=True))


def run_step(stages: Sequence[Stage], images: Any, targets: Any, micro_batches: int) -> Step:
    """The outputs and gradients of one training step, in micro-batches: all go forward, then all go back.

    A stage keeps what it took of each micro-batch, and in the backward pass computes its layers a second
    time, as GPipe does.

    images: (N, ...).
    targets: of the shape of the net's only output.

    Raises HardwareError for a net with several outputs.
    """
    if len(stages[-1].gives) != 1:
        raise HardwareError("the divided net has several outputs", "give a net with one output")
    count = images.shape[0]
    taken: list[list[tuple[Any, ...]]] = []
    outputs = []
    for piece in _divide(images, micro_batches):
        values: tuple[Any, ...] = (piece,)
        taken.append([])
        for stage in stages:
            taken[-1].append(values)
            values = _call(stage, values)
        outputs.append(values[0])
    totals: dict[str, Any] = {}
    for kept, output, wanted in zip(taken, outputs, _divide(targets, micro_batches), strict=True):
        back: tuple[Any, ...] = ((output - wanted) / count,)
        for stage, values in zip(reversed(stages), reversed(kept), strict=True):
            back = _go_back(stage, values, back, totals)
    return Step((keras.ops.concatenate(outputs, axis=0),), totals)


def _call(stage: Stage, values: Sequence[Any]) -> tuple[Any, ...]:
    known = dict(zip(stage.takes, values, strict=True))
    with keras.device(stage.device):
        known = {number: move(value, stage.device) for number, value in known.items()}
        for op, layer in zip(stage.operations, stage.layers, strict=True):
            known.update(zip(op.outputs, call_operation(op, layer, known, stage.graph.symbols), strict=True))
    return tuple(known[number] for number in stage.gives)


def _go_back(
    stage: Stage, values: Sequence[Any], back: Sequence[Any], totals: dict[str, Any]
) -> tuple[Any, ...]:
    """Turns the gradients of what a stage gave into those of what it took.

    The gradients of its weights are added to `totals`.
    """
    variables = [variable for _, variable in stage.weights]
    with keras.device(stage.device):
        to_values, to_weights = pull_back(lambda inputs: _call(stage, inputs), values, variables, back)
        # A layer that is called in two stages has a copy in both: its gradient is the sum.
        for (path, _), gradient in zip(stage.weights, to_weights, strict=True):
            totals[path] = totals[path] + gradient if path in totals else gradient
    return tuple(to_values)


def _divide(batch: Any, parts: int) -> list[Any]:
    """Parts of `batch` whose sizes differ by one at most. Raises HardwareError for more parts than rows."""
    count = batch.shape[0]
    if parts > count:
        raise HardwareError(f"{count} images cannot make {parts} micro-batches", "ask for fewer of them")
    bounds = np.linspace(0, count, parts + 1).astype(int)
    return [batch[start:end] for start, end in pairwise(bounds)]
