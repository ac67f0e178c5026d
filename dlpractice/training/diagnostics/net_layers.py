"""The layers of a net on any Keras backend: their activations, and which units are dead or saturated."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

Document = dict[str, Any]

# At the flat ends beyond these values, the slope is below a hundredth of the function's largest slope.
_FLAT_ENDS = {"tanh": float(np.tanh(3.0)), "sigmoid": float(1 / (1 + np.exp(-6.0)))}
WATCHED = ("relu", *_FLAT_ENDS)
"""The activations whose units can be dead or saturated."""


def describe_values(values: ArrayLike) -> Document:
    """`low`, `high`, `mean` and `std` of an array of any shape. All are NaN if one of its values is."""
    array = np.asarray(values, np.float64)
    return {
        "low": float(array.min()),
        "high": float(array.max()),
        "mean": float(array.mean()),
        "std": float(array.std()),
    }


def walk(net: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a net in order. A net inside it is replaced by its own layers."""
    for layer in net.layers:
        if isinstance(layer, keras.Model):
            yield from walk(layer)
        else:
            yield layer


def activation_of(layer: keras.layers.Layer) -> str | None:
    """The name of the activation that a layer ends in; None if it has none."""
    if isinstance(layer, keras.layers.ReLU):
        return "relu"
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)


def find_idle(activation: str, values: NDArray[np.float32]) -> Document:
    """The share of `dead` or `saturated` units of a layer that ends in `activation`, one of `WATCHED`.

    values: (n, ...), what the layer gives. A unit of a ReLU layer is dead if it is zero for every example, a
    channel of a convolution if it is so at every place. Of tanh and sigmoid, those values are saturated that
    lie at the flat ends.
    """
    if activation == "relu":
        return {"dead": float((values.reshape(-1, values.shape[-1]) <= 0).all(axis=0).mean())}
    end = _FLAT_ENDS[activation]
    low = -end if activation == "tanh" else 1 - end
    return {"saturated": float(((values >= end) | (values <= low)).mean())}


def describe_layer(
    layer: keras.layers.Layer,
    weights: Mapping[int, NDArray[Any]],
    gradients: Mapping[int, NDArray[Any]],
    ratio: float | None,
) -> Document:
    """What diagnostics.json says of a layer's weights, its row there.

    weights, gradients: of the trained variables, by their `id`; no gradients where they were not measured.
    ratio: how far a step moved the layer, over the norm of its weights; None if that is not known.
    """
    own = [id(variable) for variable in layer.trainable_variables]
    row = {"name": layer.name, "kind": type(layer).__name__, "activation": activation_of(layer)}
    row["trained"] = bool(own)
    if own and gradients:
        row["gradient_norm"] = norm(gradients[key] for key in own)
    if own:
        row["weight_norm"] = norm(weights[key] for key in own)
        row["update_ratio"] = ratio
        if (bias := id(getattr(layer, "bias", None))) in own:
            row["bias_mean"] = float(weights[bias].mean())
    return row


def norm(arrays: Any) -> float:
    """The Euclidean norm of several arrays taken together."""
    return math.sqrt(sum(float(np.square(np.asarray(array, np.float64)).sum()) for array in arrays))


@contextmanager
def without_dropout(model: keras.Model) -> Iterator[None]:
    """Inside the block, dropout layers drop nothing, whether a function is traced or run.

    Neither the noise of dropout nor a rate that is too high shall be taken for a net that cannot learn.
    """
    rates = {layer: layer.rate for layer in walk(model) if isinstance(layer, keras.layers.Dropout)}
    for layer in rates:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in rates.items():
            layer.rate = rate
