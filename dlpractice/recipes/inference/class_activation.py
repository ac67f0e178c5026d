"""Where in an image the evidence for a class lies, read from the net itself.

Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning deep features for discriminative localization", CVPR
2016: where a linear layer follows on the mean over a feature map's positions, a logit is the mean over the
positions of what the linear layer gives for each.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward

Activation = Callable[[NDArray[np.generic], int], NDArray[np.float64]]
"""From (S, S, 3) pixels in 0..255 and a class's number to its (h, w) activations: their mean is its logit."""

_AS_IT_IS = (keras.layers.Dropout, keras.layers.Softmax)


def find_activation(model: keras.Model) -> Activation | None:
    """The class activation of a net from pixels to probabilities; None where its head is not linear, or does
    not see the mean over the positions of a feature map."""
    head = _find_head(model)
    if head is None:
        return None
    pooling, dense, normalisation = head
    forward = compile_forward(keras.Model(model.input, pooling.input), place())

    def activate(pixels: NDArray[np.generic], label: int) -> NDArray[np.float64]:
        features = np.asarray(forward(pixels[np.newaxis].astype(np.float32))[0], np.float64)
        for layer in normalisation:
            features = (features - np.asarray(layer.moving_mean)) / np.sqrt(
                np.asarray(layer.moving_variance) + layer.epsilon
            )
        weights, biases = (np.asarray(values, np.float64) for values in dense.get_weights())
        return np.asarray(features @ weights[:, label] + biases[label])

    return activate


def _find_head(model: keras.Model) -> tuple[Any, Any, list[Any]] | None:
    """The pooling, the linear layer, and between them the normalisation without scale, if any."""
    dense, normalisation = None, list[Any]()
    layer = model.outputs[0]._keras_history.operation
    while not isinstance(layer, keras.layers.GlobalAveragePooling2D):
        if isinstance(layer, keras.layers.Dense) and dense is None and layer.use_bias:
            dense = layer
            # A softmax may be the layer's own.
            if layer.activation not in (keras.activations.linear, keras.activations.softmax):
                return None
        elif isinstance(layer, keras.layers.BatchNormalization) and not (layer.center or layer.scale):
            normalisation.append(layer)
            if dense is None:
                return None
        elif not isinstance(layer, _AS_IT_IS):
            return None
        layer = layer.input._keras_history.operation
    return None if dense is None else (layer, dense, normalisation)
