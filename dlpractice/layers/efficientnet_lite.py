"""EfficientNet-Lite, which Keras does not bring: EfficientNet for devices without hardware for everything."""

import math
from typing import Any

import keras
from keras import layers

# Kernel, strides, expansion, channels and repeats of each stage of Lite0.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _TOP = 32, 1280
_EPSILON = 1e-3  # of the published weights; PyTorch's own is 1e-5


def build_efficientnet_lite(images: Any, width: float, depth: float) -> keras.Model:
    """The base of an EfficientNet-Lite, with random weights.

    EfficientNet (Tan and Le 2019, arXiv:1905.11946) with ReLU6 in place of swish, without squeeze and
    excitation, and with a stem and a top of fixed width (Liu 2020, "Higher accuracy on vision models with
    EfficientNet-Lite", TensorFlow's blog). The first and the last stage are not repeated.

    images: (N, S, S, 3), symbolic, preprocessed by `lite`.
    width: a factor on the channels of the stages, which are rounded to a multiple of 8.
    depth: a factor on the repeats of the stages between the first and the last, which are rounded up.

    Returns a net to (N, S/32, S/32, 1280).
    """
    x = _normalise(_convolve(images, _STEM, 3, 2, "stem"), "stem", active=True)
    for number, (kernel, strides, expansion, channels, repeats) in enumerate(_STAGES, 1):
        inner = 1 < number < len(_STAGES)
        filters = _round_channels(width * channels)
        for index in range(math.ceil(depth * repeats) if inner else repeats):
            name = f"block{number}{chr(ord('a') + index)}"
            x = _add_block(x, name, kernel, strides if index == 0 else 1, expansion, filters)
    x = _normalise(_convolve(x, _TOP, 1, 1, "top"), "top", active=True)
    return keras.Model(keras.utils.get_source_inputs(images)[0], x, name="efficientnet_lite")


def _add_block(x: Any, name: str, kernel: int, strides: int, expansion: int, filters: int) -> Any:
    """An inverted residual block (Sandler et al. 2018, arXiv:1801.04381)."""
    y, channels = x, x.shape[-1]
    if expansion != 1:
        y = _convolve(y, channels * expansion, 1, 1, f"{name}_expand")
        y = _normalise(y, f"{name}_expand", active=True)
    y = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = _normalise(y, f"{name}_depthwise", active=True)
    y = _normalise(_convolve(y, filters, 1, 1, f"{name}_project"), f"{name}_project", active=False)
    return layers.Add(name=f"{name}_add")([x, y]) if strides == 1 and channels == filters else y


def _convolve(x: Any, filters: int, kernel: int, strides: int, name: str) -> Any:
    return layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, name=name)(x)


def _normalise(x: Any, name: str, *, active: bool) -> Any:
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x


def _round_channels(channels: float) -> int:
    """The nearest multiple of 8, which is no less than 90 % of `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
