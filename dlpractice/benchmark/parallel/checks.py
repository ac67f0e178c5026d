"""Checks that one net on several devices computes what it computes on one. On GPUs it is timed, too.

The checks compare copies of the net, which either have no kinks or compute in float64 (copies.py): otherwise
a single input near zero could decide whether two right gradients agree.

A device has the name that the backend gives it, such as `GPU:0` or `cpu:1`. Results are plain JSON, because
the checks on logical CPUs run in a process of their own (logical_devices.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.context import Document
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.tensor_float_32 import tensor_float_32
from dlpractice.benchmark.device.timing import Sampling, Timing, Watch, count_rounds, time_in_turn
from dlpractice.benchmark.models.counting import count_operations
from dlpractice.benchmark.models.graphs import Graph, read_graph
from dlpractice.benchmark.parallel.channel_split import run_forward as run_channels
from dlpractice.benchmark.parallel.channel_split import run_step as step_channels
from dlpractice.benchmark.parallel.channel_split import split_channels
from dlpractice.benchmark.parallel.copies import copy_in_float64, copy_without_kinks
from dlpractice.benchmark.parallel.data_parallel import compile_own_computation, mirror
from dlpractice.benchmark.parallel.gradients import pull_back
from dlpractice.benchmark.parallel.layer_split import balance, run_forward, run_step, split_layers

# As a share of the largest value. Of a net without kinks, rounding in float32 leaves 1e-6, and a wrong
# division 1e-3 or more; in float64 these are 1e-15 and 1e-4.
TOLERANCES = {"float32": 3e-5, "float64": 1e-9}
_STEPS = 3


def check_data_parallel(net: keras.Model, batch: int, devices: Sequence[str], sampling: Sampling) -> Document:
    """Trains `net` on `devices` and on the first of them alone, compares the weights, and times a step.

    The weights are compared in float64. What a step exchanges, and how long it takes, is measured on `net` as
    it is.

    Args:
        batch: images on each device.
        devices: names of TensorFlow's devices; TensorFlow has to be the backend.

    Returns: a document with `checks`, the number and bytes of the `collectives` of a step, and `overhead`,
    the share of a step's wall time that is not in the devices' own forward and backward passes.
    """
    images, targets = draw_batch(net, batch * len(devices))
    several = mirror(net, devices)
    dealt = several.deal(images), several.deal(targets)
    collectives = several.count_collectives(*dealt)
    own_computation = compile_own_computation(net, devices, images, targets)
    step, own = _time_in_turn((lambda: several.step(*dealt), own_computation), sampling)
    gradients = sum(4 * int(np.prod(variable.shape)) for variable in net.trainable_variables)
    return {
        "devices": list(devices),
        "checks": _compare_learning(net, images, targets, devices),
        "checked_in": "float64",
        "collectives": collectives.count,
        "bytes_per_device": collectives.bytes_per_device,
        "gradient_bytes": gradients,
        "step_seconds": step.median,
        "own_seconds": own.median,
        "overhead": 1 - own.median / step.median,
    }


def _compare_learning(net: keras.Model, images: Any, targets: Any, devices: Sequence[str]) -> list[Document]:
    double, batch = copy_in_float64(net), [part.astype("float64") for part in (images, targets)]
    several, one = mirror(double, devices), mirror(double, devices[:1])
    for run in (several, one):
        dealt = [run.deal(part) for part in batch]
        for _ in range(_STEPS):
            run.step(*dealt)
    difference = _difference(zip(several.weights(), one.weights(), strict=True))
    return [
        _check(f"weights after {_STEPS} steps, {len(devices)} devices against one", difference, "float64"),
        _check("copies against each other", several.disagreement(), "float64"),
    ]


def measure_mirrored(net: keras.Model, batch: int, devices: Sequence[str], sampling: Sampling) -> Document:
    """Images per second of `net`, mirrored on real devices.

    exchange_share: the share of a step's time that is saved where gradients are not summed.
    """
    images, targets = draw_batch(net, batch * len(devices))
    run = mirror(net, devices)
    data = run.deal(images), run.deal(targets)
    calls = (lambda: run.step(*data)), (lambda: run.lonely_step(*data))
    together, alone = _time_in_turn(calls, sampling)
    share = 1 - alone.median / together.median
    return {**together.rate(len(images)), "unit": "images/s", "exchange_share": share}


def check_model_parallel(
    net: keras.Model, batch: int, devices: Sequence[str], micro_batches: int
) -> Document:
    """Divides a net over `devices` by layers and by channels, and compares both with the undivided net.

    What is compared are the outputs and gradients of one training step of a copy without kinks. They are
    computed in float32 without TF32, whose ten bits would hide a wrong number.

    Args:
        batch: images in a step.
        micro_batches: the parts of the batch in the pipeline of the division by layers, at most `batch`.
    """
    with tensor_float_32(False):
        return _compare_divisions(copy_without_kinks(net), batch, devices, micro_batches)


def _compare_divisions(net: keras.Model, batch: int, devices: Sequence[str], micro_batches: int) -> Document:
    graph = read_graph(net)
    images, targets = (keras.ops.convert_to_tensor(part) for part in draw_batch(net, batch))
    output, gradients = _compute_undivided(net, images, targets)
    costs = count_operations(graph)
    stages = split_layers(graph, balance(costs, len(devices)), devices)
    channels = split_channels(graph, devices)
    by_layers = run_step(stages, images, targets, micro_batches)
    by_channels = step_channels(channels, images, targets)
    return {
        "devices": list(devices),
        "micro_batches": micro_batches,
        "stages": _describe_stages(graph, costs, stages),
        "divided_layers": len(channels.divided),
        "gathered_values_per_image": channels.gathered_values,
        "checks": [
            _check(
                "layers, inference", _difference([(run_forward(stages, images, micro_batches)[0], output)])
            ),
            _check("layers, output of a step", _difference([(by_layers.outputs[0], output)])),
            _check("layers, gradients", _against(by_layers.gradients, gradients)),
            _check("channels, inference", _difference([(run_channels(channels, images), output)])),
            _check("channels, gradients", _against(by_channels.gradients, gradients)),
        ],
        "checked_in": "float32, with SiLU for ReLU and means for maxima",
    }


def _compute_undivided(net: keras.Model, images: Any, targets: Any) -> tuple[Any, dict[str, Any]]:
    """The output of `net`, and the gradient of each variable, by its path.

    The gradient is that of the mean over images of half the squared distance between outputs and targets.
    """
    output = net(images, training=False)
    back = (output - targets) / images.shape[0]
    variables = net.trainable_variables
    _, found = pull_back(lambda inputs: [net(inputs[0], training=False)], [images], variables, [back])
    return output, {variable.path: value for variable, value in zip(variables, found, strict=True)}


def _describe_stages(graph: Graph, costs: Sequence[float], stages: Sequence[Any]) -> list[Document]:
    total, start, found = sum(costs), 0, []
    for stage in stages:
        end = start + len(stage.operations)
        found.append(
            {
                "device": stage.device,
                "first": stage.operations[0].name,
                "last": stage.operations[-1].name,
                "share_of_operations": sum(costs[start:end]) / total,
                "values_taken_per_image": sum(graph.values[number] for number in stage.takes),
            }
        )
        start = end
    return found


def draw_batch(net: keras.Model, count: int) -> tuple[Any, Any]:
    """Random images and targets with the shapes of `net`, float32; the same at every call."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(count, *net.inputs[0].shape[1:])).astype(np.float32)
    targets = rng.normal(size=(count, *net.outputs[0].shape[1:])).astype(np.float32)
    return images, targets


def _time_in_turn(calls: Iterable[Callable[[], object]], sampling: Sampling) -> list[Timing]:
    watches = [Watch(call, synchronise=backend.synchronise) for call in calls]
    return time_in_turn(watches, count_rounds(watches, sampling))


def _against(found: dict[str, Any], wanted: dict[str, Any]) -> float:
    return _difference((found[path], wanted[path]) for path in wanted)


def _difference(pairs: Any) -> float:
    """The largest difference of any pair of arrays, as a share of the largest value."""
    arrays = [tuple(np.asarray(keras.ops.convert_to_numpy(one)) for one in pair) for pair in pairs]
    # NumPy's maximum of values with a NaN is NaN, which fails the check; Python's may be any of them.
    largest = np.max([np.abs(wanted).max() for _, wanted in arrays])
    return float(np.max([np.abs(found - wanted).max() for found, wanted in arrays]) / largest)


def _check(name: str, difference: float, precision: str = "float32") -> Document:
    """The row of one comparison. A NaN, which JSON lacks, becomes null, and has not passed."""
    tolerance = TOLERANCES[precision]
    shown = difference if np.isfinite(difference) else None
    return {"name": name, "difference": shown, "tolerance": tolerance, "passed": difference < tolerance}
