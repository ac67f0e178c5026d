"""Nets from images to embeddings, a row each, for learning what is alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from dlpractice.errors import ModelError
from dlpractice.layers.convnet import activate, build_convnet, make_convolution
from dlpractice.layers.preprocessing import Preprocess, Rescale
from dlpractice.models.backbones import BACKBONES, build_base
from dlpractice.models.weights import load_weights

# Layers whose names begin with `standardise`, `hidden`, `pooled` or `embedding` stay in float32, whatever
# precision the rest computes in: see models/precision.py.


@dataclass(frozen=True)
class Encoder:
    """One net. `build` takes rescaled images, a symbolic (N, S, S, C) tensor, and a factor on its channels
    and units, and gives features, a map or a vector.

    image_size: the side of the square images that it was published with, or does well with, in pixels; sizes:
    the sides that it takes.
    """

    name: str
    about: str
    paper: str
    build: Callable[[Any, float], Any]
    image_size: int
    sizes: range


def _build_koch(images: Any, width: float) -> Any:
    """Four convolutions, each but the last followed by a pool, and 4096 sigmoid units.

    The two initialisations are the paper's; with the weights of its similarity it has 38,951,745 parameters.
    """
    x = images
    for number, (channels, size) in enumerate(((64, 10), (128, 7), (128, 4), (256, 4)), 1):
        x = layers.Conv2D(
            _scale(channels, width),
            size,
            activation="relu",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
            bias_initializer=keras.initializers.RandomNormal(0.5, 0.01),
            name=f"conv{number}",
        )(x)
        if number < 4:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return layers.Dense(
        _scale(4096, width),
        activation="sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.2),
        bias_initializer=keras.initializers.RandomNormal(0.5, 0.01),
        dtype="float32",
        name="hidden",
    )(layers.Flatten(name="map")(x))


def _build_conv4(images: Any, width: float) -> Any:
    """Four times: 3x3 convolution, batch normalisation, ReLU, 2x2 pool."""
    x = images
    for number in range(1, 5):
        x = activate(make_convolution(_scale(64, width), 3, 1, f"conv{number}")(x), f"conv{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


def _build_residual(images: Any, width: float) -> Any:
    """The small net of models/convnet.py, without its last stage and with a wider look in front."""
    return build_convnet(images, width, stem=5, stages=3)


def _build_dense(images: Any, width: float) -> Any:
    """No convolution: all pixels, then 512 and 256 units."""
    x = layers.Flatten(name="map")(images)
    for number, units in enumerate((512, 256), 1):
        x = layers.Dense(
            _scale(units, width),
            activation="relu",
            kernel_initializer="he_normal",
            dtype="float32",
            name=f"hidden{number}",
        )(x)
    return x


def _scale(count: int, width: float) -> int:
    return max(1, round(count * width))


_ROWS = (
    Encoder(
        "koch",
        "large convolutions and 4096 sigmoid units",
        "Koch, Zemel and Salakhutdinov 2015, Siamese Neural Networks for One-shot Image Recognition",
        _build_koch,
        105,
        range(105, 106),
    ),
    Encoder(
        "conv4",
        "four convolutions of 64 channels",
        "Vinyals et al. 2016, arXiv:1606.04080; Snell et al. 2017, arXiv:1703.05175",
        _build_conv4,
        28,
        range(16, 513),
    ),
    Encoder(
        "residual",
        "a small residual net",
        "blocks of He et al. 2016, arXiv:1603.05027",
        _build_residual,
        56,
        range(8, 513),
    ),
    Encoder(
        "dense",
        "fully connected, two hidden layers",
        "a fully connected Siamese net is a row of Koch et al. 2015, without its sizes",
        _build_dense,
        28,
        range(8, 129),
    ),
)
ENCODERS: dict[str, Encoder] = {row.name: row for row in _ROWS}


def build_encoder(
    name: str,
    *,
    image_size: int,
    channels: int,
    width: float = 1.0,
    dimensions: int | None = None,
    weights: str | None = None,
) -> keras.Model:
    """A model named `encoder`: (N, S, S, C) pixels in 0..255 -> (N, D) float32 embeddings.

    name: a row of ENCODERS, or of BACKBONES for colour photographs, of which it takes the last feature map,
    averaged over its positions; grey images are then repeated to three channels. channels: 1 (grey) or 3.
    width: factor on the channels and units of a row of ENCODERS. dimensions: D, made by a linear layer; None
    for the features as they are, a map being flattened. weights: of a backbone, as `load_weights` takes them.

    Raises ModelError for an unknown name, for an image size that the net does not take, for `weights` or
    `width` where they do not apply, and where weights cannot be had.
    """
    images = keras.Input((image_size, image_size, channels), dtype="float32", name="images")
    if name in BACKBONES:
        features, base = _build_pretrained(name, images, width)
    else:
        features, base = _build_own(name, images, width, weights), None
    if dimensions is not None:
        projection = layers.Dense(dimensions, dtype="float32", name="embedding")
        embeddings = projection(layers.Flatten(name="flat")(features))
    else:
        embeddings = layers.Flatten(dtype="float32", name="embedding")(features)
    model = keras.Model(images, embeddings, name="encoder")
    if base is not None:
        # Last, because Keras's download draws random numbers.
        load_weights(base, BACKBONES[name], weights)
    return model


def map_shape(encoder: keras.Model) -> tuple[int, int, int]:
    """The (h, w, c) of the feature map that the embeddings of `encoder` are when flattened.

    Raises ModelError where they are no map.
    """
    shape = encoder.get_layer("embedding").input.shape[1:]
    if len(shape) != 3 or not isinstance(encoder.get_layer("embedding"), layers.Flatten):
        raise ModelError(
            "local alignment needs embeddings that are a feature map",
            "set evaluation.alignment to 0, or encoder.dimensions to null with a convolutional encoder",
        )
    return tuple(shape)


def _build_own(name: str, images: Any, width: float, weights: str | None) -> Any:
    if name not in ENCODERS:
        raise ModelError(
            f"no encoder is called {name!r}", f"choose one of {', '.join((*ENCODERS, *BACKBONES))}"
        )
    encoder, size = ENCODERS[name], images.shape[1]
    if size not in encoder.sizes:
        smallest, largest = encoder.sizes[0], encoder.sizes[-1]
        bounds = f"{smallest} to {largest}" if smallest < largest else f"exactly {largest}"
        raise ModelError(
            f"the encoder {name} takes images of {bounds} pixels a side; got {size}",
            f"set data.image_size, for example to {encoder.image_size}",
        )
    if weights is not None:
        raise ModelError(
            f"the encoder {name} has no pretrained weights; got {weights!r}",
            f"leave the weights out, or choose one of {', '.join(BACKBONES)}",
        )
    return encoder.build(Rescale()(images), width)


def _build_pretrained(name: str, images: Any, width: float) -> tuple[Any, keras.Model]:
    """Pooled features of a backbone, and its base."""
    if width != 1.0:
        raise ModelError(f"the width of {name} is fixed; got {width:g}", "leave the width at 1")
    backbone = BACKBONES[name]
    if images.shape[-1] == 1:
        images = layers.Concatenate(dtype="float32", name="standardise_channels")([images] * 3)
    base = build_base(backbone, Preprocess(backbone.scaling)(images))
    return layers.GlobalAveragePooling2D(dtype="float32", name="pooled")(base.outputs[0]), base
