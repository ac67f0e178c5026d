"""One net divided by channels over devices (tensor parallel), run for real on the devices of this machine.

Each device computes a share of the output channels of each dense or convolutional layer, and gathers the
shares of all others (Krizhevsky 2014, arXiv:1404.5997, for dense layers; Shazeer et al. 2018,
Mesh-TensorFlow, arXiv:1811.02084). The layers between these are small, and every device computes them whole.
As in layer_split.py, layers run as in inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from dlpractice.benchmark.models.graphs import (
    Graph,
    Operation,
    call_operation,
    copy_layer,
    like,
    move,
    variables_of,
)
from dlpractice.benchmark.parallel.gradients import pull_back
from dlpractice.errors import HardwareError

# The layers that can be divided: in their kernels and biases, output channels are the last axis.
_DIVIDED = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


@dataclass(frozen=True)
class Shares:
    """One layer on all devices.

    layers: one for each device: a share of the channels where `divided`, a copy of the whole layer elsewhere.
    activation: what is applied to the gathered output.
    """

    divided: bool
    layers: tuple[Any, ...]
    activation: Any


@dataclass(frozen=True)
class ChannelSplit:
    """A net on all devices.

    shares: one for each operation of the graph.
    """

    graph: Graph
    devices: tuple[str, ...]
    shares: tuple[Shares, ...]

    @property
    def divided(self) -> tuple[str, ...]:
        """The names of the layers that are divided, in the order in which they are called."""
        pairs = zip(self.graph.operations, self.shares, strict=True)
        return tuple(op.name for op, share in pairs if share.divided)

    @property
    def gathered_values(self) -> int:
        """How many values a forward pass sends between all devices for one image.

        Each device sends its share of a divided layer's output to all others.
        """
        pairs = zip(self.graph.operations, self.shares, strict=True)
        outputs = [self.graph.values[op.outputs[0]] for op, share in pairs if share.divided]
        return (len(self.devices) - 1) * sum(outputs)


@dataclass(frozen=True)
class Result:
    """What a step computed.

    output: the net's output for all images.
    gradients: by the path of the variable in the undivided model, as in layer_split.py.
    """

    output: Any
    gradients: dict[str, Any]


def split_channels(graph: Graph, devices: Sequence[str]) -> ChannelSplit:
    """Copies each layer to all devices; a layer that can be divided, in shares of its output channels.

    A layer with fewer channels than devices, or with groups, stays whole. Shares differ by one channel at
    most.

    Raises HardwareError for a net with several inputs or outputs.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise HardwareError("the net has several inputs or outputs", "give a net with one of each")
    built: dict[int, Shares] = {}  # a layer that is called twice has one copy on each device
    for op in graph.operations:
        if id(op.layer) not in built:
            built[id(op.layer)] = _share(op.layer, devices)
    return ChannelSplit(graph, tuple(devices), tuple(built[id(op.layer)] for op in graph.operations))


def can_divide(layer: Any, devices: int) -> bool:
    """Whether `layer` can be divided over so many devices: enough output channels, and no groups."""
    channels = int(layer.kernel.shape[-1]) if isinstance(layer, _DIVIDED) else 0
    return channels >= devices and getattr(layer, "groups", 1) == 1


def _share(layer: Any, devices: Sequence[str]) -> Shares:
    if not can_divide(layer, len(devices)):
        return Shares(False, tuple(copy_layer(layer, device) for device in devices), None)
    bounds = _bounds(layer.kernel.shape[-1], len(devices))
    parts = tuple(
        _take_channels(layer, start, end, device)
        for start, end, device in zip(bounds[:-1], bounds[1:], devices, strict=True)
    )
    return Shares(True, parts, layer.activation)


def _bounds(channels: int, parts: int) -> list[int]:
    return [round(part * channels / parts) for part in range(parts + 1)]


def _take_channels(layer: Any, start: int, end: int, device: str) -> Any:
    """A layer with the output channels `start` to `end` of `layer`.

    It has no activation, which follows the gather: a softmax needs all channels.
    """
    size = "units" if isinstance(layer, keras.layers.Dense) else "filters"
    with keras.device(device):
        part = like(layer, **{size: end - start, "activation": None})
        part.build_from_config(layer.get_build_config())
        part.set_weights([weight[..., start:end] for weight in layer.get_weights()])
    return part


def run_step(split: ChannelSplit, images: Any, targets: Any) -> Result:
    """The output, and the gradients of the mean over images of half the squared distance to `targets`.

    The gradient of a divided layer is that of its shares, side by side. The gradient of a layer that every
    device has is summed over devices, as each received a share of what came back.
    """
    output = run_forward(split, images)
    back = (output - targets) / images.shape[0]
    owners = _variables(split)
    variables = [variable for _, _, variable in owners]
    _, found = pull_back(lambda inputs: [run_forward(split, inputs[0])], [images], variables, [back])
    parts: dict[str, list[Any]] = {}
    divided: dict[str, bool] = {}
    for (path, is_share, _), gradient in zip(owners, found, strict=True):
        parts.setdefault(path, []).append(move(gradient, split.devices[0]))
        divided[path] = is_share
    gradients = {
        path: keras.ops.concatenate(pieces, axis=-1) if divided[path] else _sum_over_devices(pieces)
        for path, pieces in parts.items()
    }
    return Result(output, gradients)


def _sum_over_devices(pieces: Sequence[Any]) -> Any:
    return sum(pieces[1:], start=pieces[0])


def _variables(split: ChannelSplit) -> list[tuple[str, bool, Any]]:
    """All trainable variables: the path in the undivided model, whether it is a share, and the variable."""
    found: dict[int, tuple[str, bool, Any]] = {}
    for op, share in zip(split.graph.operations, split.shares, strict=True):
        for layer in share.layers:
            for original, ours in zip(variables_of(op.layer), variables_of(layer), strict=True):
                found[id(ours)] = (original.path, share.divided, ours)
    return list(found.values())


def run_forward(split: ChannelSplit, images: Any) -> Any:
    """Takes (N, ...) images through all layers on all devices; gives the output that the first device has."""
    (start,), (end,) = split.graph.inputs, split.graph.outputs
    held: list[dict[int, Any]] = [{start: move(images, device)} for device in split.devices]
    for op, share in zip(split.graph.operations, split.shares, strict=True):
        made = [
            _call(op, layer, values, device, split.graph)
            for layer, values, device in zip(share.layers, held, split.devices, strict=True)
        ]
        for values, device, own in zip(held, split.devices, made, strict=True):
            with keras.device(device):
                if share.divided:
                    whole = keras.ops.concatenate([move(part[0], device) for part in made], axis=-1)
                    values[op.outputs[0]] = share.activation(whole)
                else:
                    values.update(zip(op.outputs, own, strict=True))
    return held[0][end]


def _call(op: Operation, layer: Any, values: dict[int, Any], device: str, graph: Graph) -> list[Any]:
    with keras.device(device):
        return call_operation(op, layer, values, graph.symbols)
