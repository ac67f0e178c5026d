"""A Keras model as a list of operations, each after those that it needs; any of them can be run alone.

Keras keeps the graph of a functional model to itself. This is the one place that reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from dlpractice.benchmark.device.backend import backend_name
from dlpractice.errors import HardwareError


@dataclass(frozen=True)
class Operation:
    """One call of a layer.

    node: Keras's record of the call, which says where tensors stand among its arguments.
    inputs, outputs: the tensors that it takes and makes, by their numbers in the graph.
    """

    name: str
    layer: Any
    node: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A model as operations in an order in which they can run. Tensors are called by their numbers.

    values: how many values each tensor has for one image.
    learns: the tensors that depend on a trainable weight.
    symbols: the Keras tensors themselves.
    inputs, outputs: those of the model.
    """

    operations: tuple[Operation, ...]
    values: tuple[int, ...]
    learns: frozenset[int]
    symbols: tuple[Any, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def live(self, cut: int) -> tuple[int, ...]:
        """The tensors that cross a cut: inputs, or made by the first `cut` operations, and needed later."""
        made = {*self.inputs, *(number for op in self.operations[:cut] for number in op.outputs)}
        needed = {number for op in self.operations[cut:] for number in op.inputs}
        return tuple(sorted(made & needed))


def read_graph(model: keras.Model) -> Graph:
    """The operations of a functional or sequential model.

    Raises HardwareError for a model without a graph, or with a size that depends on the data.
    """
    function = getattr(model, "_functional", model)
    if function is None or not hasattr(function, "operations"):
        raise HardwareError(
            f"{model.name} has no graph", "use a functional model, or build the sequential one"
        )
    symbols: list[Any] = []
    numbers: dict[int, int] = {}

    def number(tensor: Any) -> int:
        if id(tensor) not in numbers:
            numbers[id(tensor)] = len(symbols)
            symbols.append(tensor)
        return numbers[id(tensor)]

    inputs = tuple(number(tensor) for tensor in function.inputs)
    found = [
        Operation(
            node.operation.name,
            node.operation,
            node,
            tuple(dict.fromkeys(number(tensor) for tensor in node.arguments.keras_tensors)),
            tuple(number(tensor) for tensor in node.output_tensors),
        )
        for node in _nodes(function)
    ]
    return Graph(
        tuple(found),
        tuple(_values(tensor, model.name) for tensor in symbols),
        _depend_on_weights(found),
        tuple(symbols),
        inputs,
        tuple(number(tensor) for tensor in function.outputs),
    )


def call_operation(op: Operation, layer: Any, values: Mapping[int, Any], symbols: Sequence[Any]) -> list[Any]:
    """Runs one operation as in inference, and gives the tensors that it makes.

    layer: the layer to call, the model's own or a copy.
    values: the tensors that were computed, by number.
    symbols: those of the graph.
    """
    known = {id(symbols[number]): values[number] for number in op.inputs}
    arguments, options = op.node.arguments.fill_in(known)
    if getattr(layer, "_call_has_training_arg", False):
        options["training"] = False
    return list(keras.tree.flatten(layer(*arguments, **options)))


def variables_of(layer: Any) -> list[Any]:
    """The trainable variables of a layer; none for an operation that is no layer."""
    return list(getattr(layer, "trainable_variables", ()))


def copy_layer(layer: Any, device: str) -> Any:
    """A copy of `layer` with its weights on `device`; a layer without weights serves as it is."""
    if not getattr(layer, "weights", None):
        return layer
    with keras.device(device):
        if isinstance(layer, keras.Model):
            copy = keras.models.clone_model(layer, clone_function=like)
        else:
            copy = like(layer)
            copy.build_from_config(layer.get_build_config())
        copy.set_weights(layer.get_weights())
    return copy


def like(layer: Any, kind: type[Any] | None = None, /, **changes: Any) -> Any:
    """A layer with the config of `layer`, but for `changes`, whose weights are zero until they are set.

    To draw weights that others replace at once would take JAX a compilation for each of their shapes.

    kind: the class of the new layer, by default that of `layer`.
    """
    config = layer.get_config()
    config |= {key: "zeros" for key in config if key.endswith("_initializer")}
    return (kind or type(layer)).from_config(config | changes)


def move(value: Any, device: str) -> Any:
    """`value` on `device`; under TensorFlow as it is, since operations fetch what they need there."""
    name = backend_name()
    if name == "torch":
        import torch

        return torch.as_tensor(value).to(device)
    if name == "jax":
        import jax

        kind, _, index = device.partition(":")
        return jax.device_put(value, jax.devices(kind)[int(index or 0)])
    return value


def _nodes(function: Any) -> list[Any]:
    """The calls of layers, input layers left out, deepest first: each call comes after all that it needs."""
    by_depth = function._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]


def _values(tensor: Any, name: str) -> int:
    shape = tuple(tensor.shape[1:])
    if None in shape:
        raise HardwareError(
            f"a tensor of {name} has the shape {tuple(tensor.shape)}",
            "give the input a fixed size; only the batch may be open",
        )
    return prod(shape)


def _depend_on_weights(operations: Sequence[Operation]) -> frozenset[int]:
    learns: set[int] = set()
    for op in operations:
        if variables_of(op.layer) or learns & set(op.inputs):
            learns.update(op.outputs)
    return frozenset(learns)
