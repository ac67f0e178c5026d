"""The nets that are benchmarked, with random weights: a row each."""

from __future__ import annotations

import random
from collections.abc import Callable

import keras


def _vgg16() -> keras.Model:
    return keras.applications.VGG16(weights=None)


def _resnet50() -> keras.Model:
    return keras.applications.ResNet50(weights=None)


def _siamese() -> keras.Model:
    from dlpractice.models.encoders import build_encoder

    return build_encoder("residual", image_size=56, channels=1)


def _koch() -> keras.Model:
    from dlpractice.models.encoders import build_encoder

    return build_encoder("koch", image_size=105, channels=1)


_NETS: dict[str, Callable[[], keras.Model]] = {
    "vgg16": _vgg16,
    "resnet50": _resnet50,
    "siamese": _siamese,
    "koch": _koch,
}


def build_net(name: str, seed: int = 0) -> keras.Model:
    """A net of the table: one input, (N, S, S, C) float32, and one output, (N, K)."""
    # Keras draws the seed of each weight from here. Its own `set_random_seed` imports TensorFlow where that
    # is installed, whatever the backend.
    random.seed(seed)
    return _NETS[name]()
