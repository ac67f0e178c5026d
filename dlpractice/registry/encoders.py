"""Nets from images to embeddings, a row each, beside the function that builds it.

To add one, put such a function and its row at the end: `ENCODERS["name"] = Encoder(...)`. docs/extending.md
shows how. Keras is imported inside the functions, so that reading the table imports nothing.

Layers whose names begin with `standardise`, `hidden`, `pooled` or `embedding` stay in float32, whatever
precision the rest computes in: see models/precision.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Encoder:
    """One net.

    about: what it is, in a few words.
    short: the same in fewer words, for the description of the config's key.
    paper: where it comes from.
    build: takes rescaled images, a symbolic (N, S, S, C) tensor, and a factor on the net's channels and
        units; gives features, a map or a vector.
    image_size: the side of the square images that it was published with, or does well with, in pixels.
    sizes: the sides that it takes, in pixels.
    colours: the kinds of images that it takes, `grey`, `colour` or both.
    """

    about: str
    short: str
    paper: str
    build: Callable[[Any, float], Any]
    image_size: int
    sizes: range
    colours: tuple[str, ...] = ("grey", "colour")


ENCODERS: dict[str, Encoder] = {}


def scale(count: int, width: float) -> int:
    """`count` channels or units times the factor `width`, rounded; at least 1."""
    return max(1, round(count * width))


def _build_koch(images: Any, width: float) -> Any:
    """Four convolutions, a pool behind each of the first three, and 4096 sigmoid units.

    The two initialisations are the paper's. Together with its similarity the net has 38,951,745 parameters.
    """
    import keras
    from keras import layers

    x = images
    for number, (channels, size) in enumerate(((64, 10), (128, 7), (128, 4), (256, 4)), 1):
        x = layers.Conv2D(
            scale(channels, width),
            size,
            activation="relu",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
            bias_initializer=keras.initializers.RandomNormal(0.5, 0.01),
            name=f"conv{number}",
        )(x)
        if number < 4:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return layers.Dense(
        scale(4096, width),
        activation="sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.2),
        bias_initializer=keras.initializers.RandomNormal(0.5, 0.01),
        dtype="float32",
        name="hidden",
    )(layers.Flatten(name="map")(x))


ENCODERS["koch"] = Encoder(
    about="large convolutions and 4096 sigmoid units",
    short="Koch 2015, at 105 pixels",
    paper="Koch, Zemel and Salakhutdinov 2015, Siamese Neural Networks for One-shot Image Recognition",
    build=_build_koch,
    image_size=105,
    sizes=range(105, 106),
    colours=("grey",),
)


def _build_conv4(images: Any, width: float) -> Any:
    """Four times: 3x3 convolution, batch normalisation, ReLU, 2x2 pool."""
    from keras import layers

    from dlpractice.layers.convnet import activate, make_convolution

    x = images
    for number in range(1, 5):
        x = activate(make_convolution(scale(64, width), 3, 1, f"conv{number}")(x), f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


ENCODERS["conv4"] = Encoder(
    about="four convolutions of 64 channels",
    short="Vinyals 2016",
    paper="Vinyals et al. 2016, arXiv:1606.04080; Snell et al. 2017, arXiv:1703.05175",
    build=_build_conv4,
    image_size=28,
    sizes=range(16, 513),
)


def _build_residual(images: Any, width: float) -> Any:
    """The small net of layers/convnet.py with a larger stem kernel, and without its last stage."""
    from dlpractice.layers.convnet import build_convnet

    return build_convnet(images, width, stem=5, stages=3)


ENCODERS["residual"] = Encoder(
    about="a small residual net",
    short="a small residual net",
    paper="blocks of He et al. 2016, arXiv:1603.05027",
    build=_build_residual,
    image_size=56,
    sizes=range(8, 513),
)


def _build_dense(images: Any, width: float) -> Any:
    """Two dense layers, of 512 and 256 units, that read all pixels; no convolution."""
    from keras import layers

    x = layers.Flatten(name="map")(images)
    for number, units in enumerate((512, 256), 1):
        x = layers.Dense(
            scale(units, width),
            activation="relu",
            kernel_initializer="he_normal",
            dtype="float32",
            name=f"hidden{number}",
        )(x)
    return x


ENCODERS["dense"] = Encoder(
    about="fully connected, two hidden layers",
    short="fully connected",
    paper="a fully connected Siamese net is a row of Koch et al. 2015, without its sizes",
    build=_build_dense,
    image_size=28,
    sizes=range(8, 129),
)
