"""A net on one batch, with weights that are given: its loss, its gradients, and the values inside it.

Everything happens in Keras's `StatelessScope`, so that no variable of the net, of its metrics or of its
optimiser changes: neither weights nor statistics nor the states of generators. On any backend.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.callback.wiring import Call
from dlpractice.training.diagnostics.net_layers import (
    WATCHED,
    Document,
    activation_of,
    describe_values,
    find_idle,
    walk,
    without_dropout,
)

Arrays = list[NDArray[Any]]

_SCALE_OF_HALF = 1024.0
"""A factor on the loss for float16. Without it the smallest gradients would be zero."""
_ANY_SCALE = (
    keras.layers.Embedding,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
)
"""Layers that may see values of any scale: what they give is scaled, or looked up."""


@dataclass(frozen=True)
class Weights:
    """A copy of all variables of a net, as arrays: `trained` by the optimiser, and the `others`."""

    trained: Arrays
    others: Arrays


def copy_weights(model: keras.Model) -> Weights:
    """The present weights of `model`. They are copied: under JAX a step gives the memory of its own away."""
    return Weights(
        [copy_array(variable) for variable in model.trainable_variables],
        [copy_array(variable) for variable in model.non_trainable_variables],
    )


def build(model: keras.Model, batch: Any) -> None:
    """Makes the weights of a net that has none before it is called. They are those that `fit` would make."""
    if not model.built:
        _call(model, keras.utils.unpack_x_y_sample_weight(batch)[0], training=False)


def copy_array(tensor: Any) -> NDArray[Any]:
    """The values of a variable or a tensor; float32 where they are of half precision."""
    if str(tensor.dtype).endswith("bfloat16") or str(tensor.dtype).endswith("float16"):
        tensor = keras.ops.cast(tensor, "float32")
    return np.array(keras.ops.convert_to_numpy(tensor))


@dataclass
class Seen:
    """What was seen in a net on one batch.

    output: what the net gives. last: the layer that gives it; None where the net does more with it. inputs:
    the name of the first trained layer that wants scaled values, and their range; None if there is none.
    idle: by layer, what `find_idle` says of it. calls: the layers in the order in which they were called.
    penalty: what the net adds to its loss, such as weight decay.
    """

    output: Any = None
    last: keras.layers.Layer | None = None
    inputs: Document | None = None
    idle: dict[str, Document] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    penalty: float = 0.0


def look(model: keras.Model, batch: Any, weights: Weights, *, training: bool) -> Seen:
    """Computes the net on a batch and looks at its layers."""
    seen = Seen()

    def note(layer: keras.layers.Layer, inputs: Sequence[Any], output: Any) -> None:
        tensor = _first(output)
        seen.calls.append(Call(layer, inputs, output))
        if (activation := activation_of(layer)) in WATCHED and tensor is not None:
            seen.idle[layer.name] = find_idle(str(activation), copy_array(tensor))
        if seen.inputs is None and layer.trainable_variables and not isinstance(layer, _ANY_SCALE):
            values = _first(inputs)
            if values is not None and "float" in str(values.dtype):
                seen.inputs = {"layer": layer.name} | describe_values(copy_array(values))

    with without_dropout(model), _watching(list(walk(model)), note), _given(model, weights, weights.trained):
        seen.output = _call(model, keras.utils.unpack_x_y_sample_weight(batch)[0], training)
        seen.penalty = float(sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses))
    seen.last = next((call.layer for call in reversed(seen.calls) if call.output is seen.output), None)
    return seen


def measure(model: keras.Model, batch: Any, weights: Weights) -> tuple[float, Arrays]:
    """The loss of a batch, as `compile` has it, and its gradients by the trained variables, as in a step
    without dropout.

    Raises:
        whatever the net's own `call` and `compute_loss` raise.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    scale = _SCALE_OF_HALF if model.compute_dtype == "float16" else 1.0

    def lose(trained: Sequence[Any]) -> Any:
        with _given(model, weights, trained):
            predicted = _call(model, x, training=True)
            loss = model.compute_loss(
                x, y, predicted, sample_weight, **_training_of(model.compute_loss, True)
            )
            return keras.ops.cast(loss, "float32") * scale

    with without_dropout(model):
        loss, gradients = _GRADIENTS[keras.backend.backend()](lose, weights.trained)
    return float(loss) / scale, [gradient / scale for gradient in gradients]


def learn(
    model: keras.Model, batch: Any, weights: Weights, *, steps: int, rate: float, until: float
) -> tuple[float, int]:
    """Trains a copy of the weights on one batch with Adam (Kingma and Ba 2015).

    It is written out here, since under TensorFlow the optimisers of Keras change variables and no copies.

    steps: the most that are taken. rate: the learning rate. until: the loss at which it ends.

    Returns the loss afterwards, and how many steps were taken.
    """
    trained = weights.trained
    means, squares = [np.zeros_like(value) for value in trained], [np.zeros_like(value) for value in trained]
    for taken in range(steps + 1):
        loss, gradients = measure(model, batch, Weights(trained, weights.others))
        if loss <= until or taken == steps or not np.isfinite(loss):
            break
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
        squares = [0.999 * v + 0.001 * g**2 for v, g in zip(squares, gradients, strict=True)]
        size = rate * np.sqrt(1 - 0.999 ** (taken + 1)) / (1 - 0.9 ** (taken + 1))
        trained = [
            value - (size * m / (np.sqrt(v) + 1e-7)).astype(value.dtype)
            for value, m, v in zip(trained, means, squares, strict=True)
        ]
    return loss, taken


@contextmanager
def _given(model: keras.Model, weights: Weights, trained: Sequence[Any]) -> Iterator[None]:
    """Inside the block, the variables of `model` have other values, and what is assigned to them is lost."""
    pairs = [
        *zip(model.trainable_variables, trained, strict=True),
        *zip(model.non_trainable_variables, weights.others, strict=True),
    ]
    with keras.StatelessScope(state_mapping=pairs, collect_losses=True):
        yield


@contextmanager
def _watching(
    layers: Sequence[keras.layers.Layer], note: Callable[[keras.layers.Layer, Sequence[Any], Any], None]
) -> Iterator[None]:
    """Inside the block, `note` gets each layer that is called, with its inputs and its output.

    The layers themselves are watched, not a graph of them: a net that is written as a class has none.
    """
    own = {layer: vars(layer)["call"] for layer in layers if "call" in vars(layer)}
    for layer in layers:
        layer.call = _noting(layer, layer.call, note)
    try:
        yield
    finally:
        for layer in layers:
            if layer in own:
                layer.call = own[layer]
            else:
                del layer.call


def _noting(layer: keras.layers.Layer, call: Callable[..., Any], note: Callable[..., None]) -> Any:
    @functools.wraps(call)
    def call_and_note(*inputs: Any, **options: Any) -> Any:
        output = call(*inputs, **options)
        note(layer, inputs, output)
        return output

    return call_and_note


def _call(model: keras.Model, x: Any, training: bool) -> Any:
    return model(x, **_training_of(model.call, training))


def _training_of(function: Callable[..., Any], training: bool) -> dict[str, bool]:
    """The argument `training` for a function of somebody else's, if it takes one."""
    return {"training": training} if "training" in inspect.signature(function).parameters else {}


def _first(values: Any) -> Any:
    """The first tensor of a nest of tensors; None if there is none."""
    return next((value for value in keras.tree.flatten(values) if hasattr(value, "dtype")), None)


def _differentiate_tensorflow(lose: Callable[..., Any], trained: Arrays) -> tuple[Any, Arrays]:
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(value) for value in trained]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = lose(tensors)
    found = tape.gradient(loss, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return loss, [tf.convert_to_tensor(gradient).numpy() for gradient in found]


def _differentiate_jax(lose: Callable[..., Any], trained: Arrays) -> tuple[Any, Arrays]:
    import jax

    loss, found = jax.value_and_grad(lose)([jax.numpy.asarray(value) for value in trained])
    return loss, [np.array(gradient) for gradient in found]


def _differentiate_torch(lose: Callable[..., Any], trained: Arrays) -> tuple[Any, Arrays]:
    import torch

    tensors = [keras.ops.convert_to_tensor(value).detach().requires_grad_() for value in trained]
    loss = lose(tensors)
    found = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
    return loss.detach().cpu(), [gradient.cpu().numpy() for gradient in found]


_GRADIENTS = {
    "tensorflow": _differentiate_tensorflow,
    "jax": _differentiate_jax,
    "torch": _differentiate_torch,
}
"""By the name of a Keras backend, what gives a function's value and its gradients."""
