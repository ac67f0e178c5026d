"""The values inside a net on one batch: their ranges, and the shares of dead and saturated units."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

Document = dict[str, Any]

# At the flat ends beyond these values, the slope is below a hundredth of the function's largest slope.
_FLAT_ENDS = {"tanh": float(np.tanh(3.0)), "sigmoid": float(1 / (1 + np.exp(-6.0)))}
_WATCHED = ("relu", *_FLAT_ENDS)


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


class Flow:
    """The values in a net.

    Args:
        start: the symbolic tensor from which `net`, a graph of layers, goes on to its output. It need not be
            the beginning of the graph in which the layers were first called; `net` may be a part that was cut
            off.
    """

    def __init__(self, net: keras.Model, start: Any) -> None:
        self._watched = [layer for layer in net.layers if activation_of(layer) in _WATCHED]
        self._last = net.layers[-1]
        self._trained = next((layer for layer in net.layers if layer.trainable_variables), None)
        outputs = [layer.output for layer in (self._last, *self._watched)]
        (begin,) = tf.nest.flatten(start)
        # Keras cannot cut a graph at a tensor and give that tensor too.
        self._sees_start = self._trained is not None and self._trained.input is begin
        if self._trained is not None and not self._sees_start:
            outputs.append(self._trained.input)
        self._model = keras.Model(begin, outputs)

    @property
    def last_activation(self) -> str | None:
        """See `activation_of`."""
        return activation_of(self._last)

    def measure(
        self, inputs: ArrayLike, *, training: bool
    ) -> tuple[NDArray[np.float32], Document | None, dict[str, Document]]:
        """Computes the net on (n, ...) values at its start.

        Args:
            training: whether the net is in training mode, which moves statistics and draws dropout, or in
                inference mode.

        Returns:
            The output; the range of what the first trained layer sees, or None if no layer is trained; and
            by layer, its share of `dead` or `saturated` units. A unit of a ReLU layer is dead if it is zero
            for every example, a channel of a convolution if it is so at every place. Of tanh and sigmoid,
            those values are saturated that lie at the flat ends.
        """
        values = tf.cast(tf.convert_to_tensor(inputs), tf.float32)
        found = tf.nest.flatten(self._model(values, training=training))
        output, *rest = (np.asarray(tf.cast(tensor, tf.float32)) for tensor in found)
        seen = None
        if self._trained is not None:
            given = np.asarray(values) if self._sees_start else rest.pop()
            seen = {"layer": self._trained.name} | describe_values(given)
        shares = {
            layer.name: _find_idle(str(activation_of(layer)), outputs)
            for layer, outputs in zip(self._watched, rest, strict=True)
        }
        return output, seen, shares


def _find_idle(activation: str, values: NDArray[np.float32]) -> Document:
    if activation == "relu":
        return {"dead": float((values.reshape(-1, values.shape[-1]) <= 0).all(axis=0).mean())}
    end = _FLAT_ENDS[activation]
    low = -end if activation == "tanh" else 1 - end
    return {"saturated": float(((values >= end) | (values <= low)).mean())}
