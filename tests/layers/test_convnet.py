"""The small net of `scratch`: its shape, its size, and that it can learn."""

import keras
import numpy as np
import pytest

from dlpractice.layers.convnet import build_convnet


def make_model(size: int, width: float = 1.0) -> keras.Model:
    images = keras.Input((size, size, 3))
    return keras.Model(images, build_convnet(images, width))


@pytest.mark.parametrize(("size", "side"), [(160, 10), (100, 7), (32, 2), (8, 1)])
def test_the_side_is_a_sixteenth(size: int, side: int) -> None:
    assert make_model(size).output.shape == (None, side, side, 256)


@pytest.mark.parametrize(("width", "channels"), [(0.25, 64), (0.5, 128), (1.0, 256), (2.0, 512), (0.001, 8)])
def test_width_multiplies_the_channels(width: float, channels: int) -> None:
    assert make_model(32, width).output.shape[-1] == channels


def test_its_parameters_are_those_counted_by_hand() -> None:
    stem = 3 * 3 * 3 * 32
    blocks = sum(2 * 9 * c * c + 2 * 4 * c for c in (32, 64, 128, 256))
    widening = sum(a * b + 4 * a for a, b in ((32, 64), (64, 128), (128, 256)))
    assert make_model(32).count_params() == stem + blocks + widening + 4 * 256


def test_features_of_random_weights_are_neither_vanishing_nor_exploding() -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (8, 64, 64, 3)).astype(np.float32)
    features = np.asarray(make_model(64)(images, training=True))
    assert 0.1 < features.std() < 10


def test_an_impulse_reaches_the_features_through_every_stage() -> None:
    model = make_model(64, 0.25)
    blank = np.zeros((1, 64, 64, 3), np.float32)
    spot = blank.copy()
    spot[0, 32, 32] = 1
    changed = np.asarray(model(spot)) != np.asarray(model(blank))
    assert changed.any(axis=(0, 3)).sum() >= 4
