"""A small residual net for training from scratch on a few thousand images."""

from typing import Any

from keras import layers

from dlpractice.models.normalisation import FusedBatchNormalization

STAGE_WIDTHS = (32, 64, 128, 256)


def build_convnet(images: Any, width: float = 1.0) -> Any:
    """(N, S, S, 3) in -1..1 -> (N, S/16, S/16, 256 width) features.

    A stem that halves the side, then four stages, each a residual block; between two stages the side is
    halved by max pooling and the channels doubled, so that every stage costs about the same. Max pooling
    instead of strided convolutions is what lets it learn from few images.
    """
    widths = [max(8, round(width * channels / 8) * 8) for channels in STAGE_WIDTHS]
    x = _convolution(widths[0], 3, 2, "stem")(images)
    for stage, channels in enumerate(widths, 1):
        if stage > 1:
            x = _convolution(channels, 1, 1, f"stage{stage}_widen")(_activate(x, f"stage{stage}_widen"))
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"stage{stage}_pool")(x)
        x = _add_residual(x, channels, f"stage{stage}")
    return _activate(x, "last")


def _add_residual(x: Any, channels: int, name: str) -> Any:
    """Pre-activation residual block (He et al. 2016, arXiv:1603.05027) of two 3x3 convolutions."""
    y = _convolution(channels, 3, 1, f"{name}_conv1")(_activate(x, f"{name}_1"))
    y = _convolution(channels, 3, 1, f"{name}_conv2")(_activate(y, f"{name}_2"))
    return layers.Add(name=f"{name}_add")([x, y])


def _activate(x: Any, name: str) -> Any:
    # A hundred steps make an epoch of a small data set: Keras's momentum of 0.99 would lag behind.
    normalised = FusedBatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(normalised)


def _convolution(channels: int, size: int, strides: int, name: str) -> layers.Layer:
    return layers.Conv2D(
        channels,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )
