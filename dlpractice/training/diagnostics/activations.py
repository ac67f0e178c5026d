"""The values inside a net on one batch: their ranges, and the shares of dead and saturated units."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dlpractice.training.diagnostics.net_layers import (
    WATCHED,
    Document,
    activation_of,
    describe_values,
    find_idle,
)


class Flow:
    """The values in a net.

    Args:
        start: the symbolic tensor from which `net`, a graph of layers, goes on to its output. It need not be
            the beginning of the graph in which the layers were first called; `net` may be a part that was cut
            off.
    """

    def __init__(self, net: keras.Model, start: Any) -> None:
        self._watched = [layer for layer in net.layers if activation_of(layer) in WATCHED]
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
            by layer, what `find_idle` says of it.
        """
        values = tf.cast(tf.convert_to_tensor(inputs), tf.float32)
        found = tf.nest.flatten(self._model(values, training=training))
        output, *rest = (np.asarray(tf.cast(tensor, tf.float32)) for tensor in found)
        seen = None
        if self._trained is not None:
            given = np.asarray(values) if self._sees_start else rest.pop()
            seen = {"layer": self._trained.name} | describe_values(given)
        shares = {
            layer.name: find_idle(str(activation_of(layer)), outputs)
            for layer, outputs in zip(self._watched, rest, strict=True)
        }
        return output, seen, shares
