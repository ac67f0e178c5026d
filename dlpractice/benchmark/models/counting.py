"""Counts the operations and bytes that a net needs, from its graph: what an ideal machine would do.

A multiplication and an addition count as two operations. Bytes are those of a machine that keeps nothing in
its caches from one layer to the next: each layer reads its weights and inputs, and writes its outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from dlpractice.benchmark.models.graphs import Graph, Operation, read_graph, variables_of

# SGD with momentum: the gradient scaled, the momentum decayed, and two additions, for each weight.
_UPDATE_FLOPS = 4
# It reads weight, momentum and gradient, and writes weight and momentum; all are float32.
_UPDATE_BYTES = 5 * 4


@dataclass(frozen=True)
class LayerWork:
    """What one layer does for one image.

    kind: the name of its class.
    flops: operations of the forward pass.
    backward: operations of the backward pass, which only training needs.
    taken, made: how many values it reads and writes.
    weights: how many values it holds.
    trained: how many of these learn.
    passes_back: whether a gradient goes on to the layers before it.
    """

    name: str
    kind: str
    flops: float
    backward: float
    taken: int
    made: int
    weights: int
    trained: int
    passes_back: bool


@dataclass(frozen=True)
class Work:
    """What a net does for one image, by layer.

    unknown: layers, as "name (class)", whose operations cannot be counted here. Sums of operations leave them
        out; sums of bytes do not.
    """

    layers: tuple[LayerWork, ...]
    unknown: tuple[str, ...]

    @property
    def weights(self) -> int:
        """How many values all weights hold."""
        return sum(layer.weights for layer in self.layers)

    def flops(self, batch: int, *, training: bool) -> float:
        """The operations of one call with a batch.

        training: whether to count a training step, with its backward pass and the update of the weights.
        """
        forward = sum(layer.flops for layer in self.layers)
        if not training:
            return batch * forward
        backward = sum(layer.backward for layer in self.layers)
        return batch * (forward + backward) + _UPDATE_FLOPS * sum(layer.trained for layer in self.layers)

    def bytes_moved(self, batch: int, value_bytes: int, *, training: bool) -> float:
        """The bytes that one call with a batch reads and writes.

        value_bytes: the size of one value.
        """
        moved = 0
        for layer in self.layers:
            moved += layer.weights + batch * (layer.taken + layer.made)
            if training:
                moved += _moved_back(layer, batch)
        update = _UPDATE_BYTES * sum(layer.trained for layer in self.layers) if training else 0
        return float(value_bytes * moved + update)

    def memory_bytes(self, batch: int, value_bytes: int, *, training: bool) -> int:
        """About the most bytes that have to be allocated at a time.

        These are the weights in float32, and once more in the precision that is computed in. In training,
        they are also gradients and momentum, and each activation beside its gradient.

        value_bytes: the size of one activation.
        """
        made = [layer.made for layer in self.layers]
        if training:
            return 16 * self.weights + 2 * batch * value_bytes * sum(made)
        largest = max((layer.taken + layer.made for layer in self.layers), default=0)
        # A convolution may lay out its input a second time.
        return 8 * self.weights + 2 * batch * value_bytes * largest


def _moved_back(layer: LayerWork, batch: int) -> int:
    """How many values the backward pass of a layer moves.

    It reads the gradient of its outputs and, for the weights, its inputs; it writes the gradients of weights
    and inputs.
    """
    moved = 0
    if layer.trained:
        moved += batch * (layer.taken + layer.made) + layer.trained
    if layer.passes_back:
        moved += batch * (layer.taken + layer.made) + layer.weights
    return moved


def count_work(model: keras.Model) -> Work:
    """The work of a functional or sequential model that holds no other model.

    Raises HardwareError for a model without a graph, or with a size that depends on the data.
    """
    graph = read_graph(model)
    found = tuple(_count_layer(graph, operation) for operation in graph.operations)
    unknown = tuple(f"{layer.name} ({layer.kind})" for layer in found if layer.kind not in _COUNTS)
    return Work(found, unknown)


def count_operations(graph: Graph) -> tuple[float, ...]:
    """The weight of each operation of a graph, in operations for one image, forward: to divide it evenly.

    A layer whose operations cannot be counted gets one for each value that it makes and each weight that it
    learns.
    """
    found = (_count_layer(graph, operation) for operation in graph.operations)
    return tuple(
        layer.flops if layer.kind in _COUNTS else float(layer.made + layer.trained) for layer in found
    )


def _count_layer(graph: Graph, operation: Operation) -> LayerWork:
    taken = sum(graph.values[number] for number in operation.inputs)
    made = sum(graph.values[number] for number in operation.outputs)
    kind = type(operation.layer).__name__
    count = _COUNTS.get(kind)
    flops = 0.0 if count is None else float(count(operation.layer, taken, made))
    weights = getattr(operation.layer, "weights", ())
    trained = sum(prod(variable.shape) for variable in variables_of(operation.layer))
    passes_back = any(number in graph.learns for number in operation.inputs)
    # Backward, a layer does its product once for the gradient of its weights, once for that of its inputs.
    backward = flops * (passes_back + (trained > 0)) if kind in _PRODUCTS else flops * passes_back
    return LayerWork(
        operation.name,
        kind,
        flops,
        backward,
        taken,
        made,
        sum(prod(variable.shape) for variable in weights),
        trained,
        passes_back,
    )


def _product(layer: Any, taken: int, made: int) -> int:
    """Dense layers and convolutions: each weight of the kernel once at each position, and the bias."""
    channels = prod(layer.kernel.shape[-2:]) if isinstance(layer, keras.layers.DepthwiseConv2D) else None
    channels = channels or layer.kernel.shape[-1]
    return 2 * int(prod(layer.kernel.shape)) * (made // int(channels)) + (made if layer.use_bias else 0)


def _pooling(layer: Any, taken: int, made: int) -> int:
    return int(prod(layer.pool_size)) * made


def _per_value(flops: int) -> Callable[[Any, int, int], int]:
    return lambda layer, taken, made: flops * made


def _sum_of_inputs(layer: Any, taken: int, made: int) -> int:
    return taken - made


def _activation(layer: Any, taken: int, made: int) -> int:
    # Sigmoid: negation, exponential, addition, division; softmax: difference, exponential, sum, division.
    costs = {"linear": 0, "relu": 1, "sigmoid": 4, "softmax": 4}
    return costs.get(getattr(layer.activation, "__name__", ""), 1) * made


def _with_activation(count: Callable[[Any, int, int], int]) -> Callable[[Any, int, int], int]:
    return lambda layer, taken, made: count(layer, taken, made) + _activation(layer, taken, made)


_PRODUCTS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D")
_NOTHING = (
    "InputLayer",
    "Flatten",
    "Reshape",
    "Dropout",
    "PhiloxDropout",
    "ZeroPadding2D",
    "Concatenate",
    "Identity",
)
_COUNTS: dict[str, Callable[[Any, int, int], int]] = {
    **dict.fromkeys(_PRODUCTS, _with_activation(_product)),
    **dict.fromkeys(_NOTHING, _per_value(0)),
    # Once the statistics are known: one multiplication and one addition.
    **dict.fromkeys(("BatchNormalization", "FusedBatchNormalization", "Rescaling"), _per_value(2)),
    **dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), _pooling),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), lambda layer, taken, made: taken),
    **dict.fromkeys(("Add", "Multiply"), _sum_of_inputs),
    "ReLU": _per_value(1),
    "Activation": _activation,
    "Softmax": _per_value(4),
}
