"""Nets that turn images into embeddings, built from their rows."""

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.layers.preprocessing import preprocess, rescale
from dlpractice.models.backbones import build_base
from dlpractice.models.weights import load_weights
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS


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

    Args:
        name: a row of ENCODERS, or of BACKBONES for colour photographs. A backbone gives its last feature
            map, averaged over its positions; it sees grey images repeated to three channels.
        image_size: S, in pixels.
        channels: C, 1 (grey) or 3.
        width: a factor on the channels and units of a row of ENCODERS.
        dimensions: D, which a linear layer makes; None for the features as they are, a map being flattened.
        weights: of a backbone, as `load_weights` takes them.

    Raises:
        ModelError: the name is unknown, the net does not take this image size, `weights` or `width` do not
            apply to it, or its weights cannot be had.
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
    """(h, w, c) of the feature map whose values, flattened, are the embeddings of `encoder`.

    Raises ModelError where the embeddings are not a flattened map.
    """
    shape = encoder.get_layer("embedding").input.shape[1:]
    if len(shape) != 3 or not isinstance(encoder.get_layer("embedding"), layers.Flatten):
        raise ModelError(
            "local alignment needs embeddings that are a feature map",
            "set evaluation.alignment to 0, or encoder.dimensions to null with a convolutional encoder",
        )
    return tuple(shape)


def shrink_first(encoder: keras.Model, shrink: NDArray[np.float32]) -> keras.Model:
    """The same encoder for larger images, which it shrinks first.

    shrink: (S, H), each of the S numbers of a column or a row that the encoder takes as a mean of H.
    """
    small, large = shrink.shape
    channels = encoder.input_shape[-1]
    images = keras.Input((large, large, channels), dtype="float32", name="images")
    seen = images
    for axis in ("columns", "rows"):
        turned = layers.Permute((2, 3, 1), dtype="float32", name=f"standardise_{axis}")(seen)
        means = layers.Dense(small, use_bias=False, dtype="float32", name=f"standardise_{axis}_means")
        seen = means(turned)
        means.set_weights([shrink.T])
    in_order = layers.Permute((2, 3, 1), dtype="float32", name="standardise_channels")(seen)
    return keras.Model(images, encoder(in_order), name="encoder_of_files")


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
    return encoder.build(rescale(images), width)


def _build_pretrained(name: str, images: Any, width: float) -> tuple[Any, keras.Model]:
    """Pooled features of a backbone, and its base."""
    if width != 1.0:
        raise ModelError(f"the width of {name} is fixed; got {width:g}", "leave the width at 1")
    backbone = BACKBONES[name]
    if images.shape[-1] == 1:
        images = layers.Concatenate(dtype="float32", name="standardise_grey")([images] * 3)
    base = build_base(backbone, preprocess(images, backbone.scaling))
    return layers.GlobalAveragePooling2D(dtype="float32", name="pooled")(base.outputs[0]), base
