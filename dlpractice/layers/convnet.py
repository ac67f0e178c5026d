"""A small residual net for training from scratch on a few thousand images."""

from typing import Any

from keras import layers

from dlpractice.layers.normalisation import FusedBatchNormalization

STAGE_WIDTHS = (32, 64, 128, 256)


def build_convnet(images: Any, width: float = 1.0, *, stem: int = 3, stages: int = 4) -> Any:
    """A stem and `stages` residual stages; each stage but the last is followed by a halving of the side.

    The stem is a convolution of `stem` x `stem` pixels that halves the side. Between two stages, max pooling
    halves the side and the number of channels doubles, so that every stage costs about the same. Max pooling
    in place of strided convolutions is what lets the net learn from few images.

    images: (N, S, S, C), values in -1..1.
    width: a factor on the channels of all stages.
    stem: the side of the stem's kernel, in pixels.

    Returns features, (N, S/16, S/16, 256 width) for four stages.
    """
    widths = [max(8, round(width * channels / 8) * 8) for channels in STAGE_WIDTHS[:stages]]
    x = make_convolution(widths[0], stem, 2, "stem")(images)
    for stage, channels in enumerate(widths, 1):
        if stage > 1:
            x = make_convolution(channels, 1, 1, f"stage{stage}_widen")(activate(x, f"stage{stage}_widen"))
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"stage{stage}_pool")(x)
        x = _add_residual(x, channels, f"stage{stage}")
    return activate(x, "last")


def _add_residual(x: Any, channels: int, name: str) -> Any:
    """Pre-activation residual block (He et al. 2016, arXiv:1603.05027) of two 3x3 convolutions."""
    y = make_convolution(channels, 3, 1, f"{name}_conv1")(activate(x, f"{name}_1"))
    y = make_convolution(channels, 3, 1, f"{name}_conv2")(activate(y, f"{name}_2"))
    return layers.Add(name=f"{name}_add")([x, y])


def activate(x: Any, name: str) -> Any:
    """Batch normalisation, then ReLU."""
    # An epoch of a small data set has about a hundred steps: Keras's momentum of 0.99 would lag behind.
    normalised = FusedBatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(normalised)


def make_convolution(channels: int, size: int, strides: int, name: str) -> layers.Layer:
    """A convolution without bias, since a batch normalisation behind it would take the bias out again."""
    return layers.Conv2D(
        channels,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )
