"""EfficientNet-Lite against loops, and with its published weights against a picture that is known."""

from pathlib import Path
from typing import Any

import keras
import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dlpractice.layers.efficientnet_lite import build_efficientnet_lite
from dlpractice.layers.preprocessing import preprocess
from dlpractice.models.backbones import build_base
from dlpractice.models.torch_pickle import read_torch
from dlpractice.models.weights import load_weights
from dlpractice.registry.backbones import BACKBONES

Array = NDArray[np.float64]


def convolve(x: Array, kernel: Array, strides: int) -> Array:
    """A convolution of one image by a loop; padding lets its side be divided by the strides, rounded up.

    x: (H, W, C). kernel: (k, k, C, F), or (k, k, C, 1) for a depthwise one, if C > 1 and it has one filter.
    """
    side, size = x.shape[0], kernel.shape[0]
    wanted = -(-side // strides)
    padding = max((wanted - 1) * strides + size - side, 0)
    before = (padding // 2, padding - padding // 2)  # the odd pixel lies behind, as in TensorFlow
    padded = np.pad(x, (before, before, (0, 0)))
    rows = []
    for row in range(wanted):
        patches = (
            padded[row * strides : row * strides + size, column * strides : column * strides + size]
            for column in range(wanted)
        )
        rows.append([_weigh(patch, kernel) for patch in patches])
    return np.array(rows)


def _weigh(patch: Array, kernel: Array) -> Array:
    if kernel.shape[3] == 1:
        return (patch * kernel[..., 0]).sum(axis=(0, 1))
    return np.tensordot(patch, kernel, 3)


def normalise(x: Array, weights: list[Array]) -> Array:
    gamma, beta, mean, variance = weights
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


def run_block(x: Array, weights: list[Array], strides: int) -> Array:
    """Expansion, depthwise convolution and projection, with a connection past them where shapes allow it."""
    y = np.clip(normalise(convolve(x, weights[0], 1), weights[1:5]), 0, 6)
    y = np.clip(normalise(convolve(y, weights[5], strides), weights[6:10]), 0, 6)
    y = normalise(convolve(y, weights[10], 1), weights[11:15])
    return x + y if x.shape == y.shape else y


@pytest.fixture(scope="module")
def net() -> keras.Model:
    """A narrow net with random statistics."""
    base = build_efficientnet_lite(keras.Input((30, 30, 3)), 0.25, 1.0)
    rng = np.random.default_rng(0)
    base.set_weights(
        [
            np.abs(rng.normal(0.5, 0.5, weight.shape)) + 0.1
            if weight.ndim == 1
            else rng.normal(0, 0.4, weight.shape)
            for weight in base.get_weights()
        ]
    )
    return base


@pytest.mark.parametrize(
    ("name", "strides"), [("block2a", 2), ("block2b", 1), ("block3a", 2), ("block4a", 2)]
)
def test_a_block_is_what_loops_give(net: keras.Model, name: str, strides: int) -> None:
    layers = [layer for layer in net.layers if layer.name.startswith(name)]
    start, end = layers[0].input, layers[-1].output
    x = np.random.default_rng(1).normal(size=start.shape[1:])
    weights = [weight.astype(np.float64) for layer in layers for weight in layer.get_weights()]
    found = keras.Model(start, end)(x[None].astype(np.float32))
    np.testing.assert_allclose(found[0], run_block(x, weights, strides), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name.startswith("efficientnetlite")])
def test_a_known_picture_is_of_the_class_that_it_is(name: str) -> None:
    """Grace Hopper in uniform, from Matplotlib; ImageNet's class 652 is a military uniform."""
    row: Any = BACKBONES[name]
    package = row.pinned.package
    pytest.importorskip(package.replace("-", "_"), reason=f"{package} with the weights is not installed")
    pixels = preprocess(keras.Input((row.native_size, row.native_size, 3)), row.scaling)
    base = build_base(row, pixels)
    loaded = load_weights(base, row, "imagenet")
    assert (loaded.origin, loaded.digest) == (f"the package {row.pinned.package}", row.pinned.digest)
    picture = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    resized = picture.convert("RGB").resize((row.native_size,) * 2, Image.Resampling.BICUBIC)
    features = np.asarray(base(np.asarray(resized, np.float32)[None])).mean(axis=(1, 2))
    (file,) = Path(__import__(row.pinned.package.replace("-", "_")).__file__).parent.rglob(
        row.pinned.packaged_file
    )
    whole = read_torch(file)
    logits = (features @ whole["_fc.weight"].T + whole["_fc.bias"])[0]
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert probabilities.argmax() == 652 and probabilities[652] > 0.2
