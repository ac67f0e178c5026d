"""The nets that are benchmarked, with random weights, built from their rows."""

from __future__ import annotations

import random

import keras

from dlpractice.registry.benchmark_nets import NETS
from dlpractice.registry.encoders import ENCODERS


def build_net(name: str, seed: int = 0) -> keras.Model:
    """A net of the registry, with random weights: one input (N, S, S, C) float32, one output (N, K)."""
    # Keras draws the seed of each weight from `random`. `keras.utils.set_random_seed` would import TensorFlow
    # where that is installed, whatever the backend.
    random.seed(seed)
    row = NETS[name]
    if not row.encoder:
        return getattr(keras.applications, row.application)(weights=None)
    from dlpractice.models.encoders import build_encoder

    return build_encoder(row.encoder, image_size=ENCODERS[row.encoder].image_size, channels=1)
