"""What the last layer of a run's classifier sees of an image."""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward


def load_features(run: RunDirectory) -> Callable[[NDArray[np.generic]], NDArray[np.float32]]:
    """From a batch of (n, S, S, 3) pixels to (n, D) features, float32, of which the logits are a linear
    function.

    Raises ModelError as `load_saved` does.
    """
    model = load_saved(run).model
    forward = compile_forward(keras.Model(model.input, model.get_layer("logits").input), place())

    def compute(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        return np.asarray(forward(pixels), np.float32)

    return compute
