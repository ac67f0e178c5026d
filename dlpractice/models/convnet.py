"""A small residual net for training from scratch on a few thousand images."""

from typing import Any

from keras import layers

STAGE_WIDTHS = (32, 64, 128, 256)


def build_convnet(images: Any, width: float = 1.0) -> Any:
    """(N, S, S, 3) in -1..1 -> (N, S/16, S/16, 256 width) features.

    A stem and four stages, each halving the side but the first; channels double as the side halves, so that every
    stage costs about the same.
    """
    widths = [max(8, round(width * channels / 8) * 8) for channels in STAGE_WIDTHS]
    x = _convolution(widths[0], 2, "stem")(images)
    for stage, channels in enumerate(widths, 1):
        if stage > 1:
            x = _convolution(channels, 2, f"stage{stage}_down")(_activate(x, f"stage{stage}_down"))
        x = _add_residual(x, channels, f"stage{stage}")
    return _activate(x, "last")


def _add_residual(x: Any, channels: int, name: str) -> Any:
    """Pre-activation residual block (He et al. 2016, arXiv:1603.05027) of two 3x3 convolutions."""
    y = _convolution(channels, 1, f"{name}_conv1")(_activate(x, f"{name}_1"))
    y = _convolution(channels, 1, f"{name}_conv2")(_activate(y, f"{name}_2"))
    return layers.Add(name=f"{name}_add")([x, y])


def _activate(x: Any, name: str) -> Any:
    # 30 steps make an epoch of a small data set: Keras's momentum of 0.99 would lag behind the weights.
    return layers.Activation("relu", name=f"{name}_relu")(
        layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    )


def _convolution(channels: int, strides: int, name: str) -> layers.Layer:
    return layers.Conv2D(
        channels, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )
