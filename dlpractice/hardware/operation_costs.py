"""How much work each operation of a net is, to divide it evenly."""

from math import prod
from typing import Any

import keras

from dlpractice.hardware.graphs import Graph, Operation, variables_of

_PRODUCTS = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv2D,
)


def count_operations(graph: Graph) -> tuple[float, ...]:
    """Floating point operations per image of each operation, forward.

    A dense or convolutional layer does a multiplication and an addition for each weight of its kernel at each
    position; anything else is counted as one operation for each value that it makes, and each weight.
    """
    return tuple(_count(graph, op) for op in graph.operations)


def _count(graph: Graph, op: Operation) -> float:
    made = sum(graph.values[number] for number in op.outputs)
    if isinstance(op.layer, _PRODUCTS):
        kernel: Any = op.layer.kernel
        channels = graph.symbols[op.outputs[0]].shape[-1]
        return float(2 * prod(kernel.shape) * (made // channels))
    return float(made + sum(prod(variable.shape) for variable in variables_of(op.layer)))
