"""What stands in front of a net: from pixels to the values that it learns from.

All of it is layers of Keras's own, which any backend computes, and which a saved model brings along to
wherever it is loaded. Their names begin with `standardise`: they stay in float32, see models/precision.py.
"""

from typing import Any, Literal

from keras import layers

Scaling = Literal["unchanged", "caffe", "unit", "tf", "torch", "lite"]

_IMAGENET_BGR_MEAN = (103.939, 116.779, 123.68)
_IMAGENET_RGB_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_RGB_STD = (0.229, 0.224, 0.225)
_PIXELS = {"dtype": "float32", "name": "standardise_pixels"}


def preprocess(images: Any, scaling: Scaling) -> Any:
    """(N, H, W, 3) RGB in 0..255 -> the range a backbone was trained on.

    `caffe`: BGR minus the ImageNet mean (VGG). `unit`: 0..1. `tf`: -1..1 (ResNetV2, MobileNetV2, Xception).
    `torch`: 0..1, then ImageNet mean and deviation (EfficientNetV2-B, ConvNeXt). `lite`: minus 127, over 128
    (EfficientNet-Lite). `unchanged`: as they are.
    """
    if scaling == "caffe":
        ones = (1.0, 1.0, 1.0)
        return layers.Normalization(mean=_IMAGENET_BGR_MEAN, variance=ones, **_PIXELS)(_reverse(images))
    if scaling == "unit":
        return layers.Rescaling(1 / 255, **_PIXELS)(images)
    if scaling == "tf":
        return layers.Rescaling(1 / 127.5, -1.0, **_PIXELS)(images)
    if scaling == "lite":
        return layers.Rescaling(1 / 128, -127 / 128, **_PIXELS)(images)
    if scaling == "torch":
        mean = tuple(255 * value for value in _IMAGENET_RGB_MEAN)
        variance = tuple((255 * value) ** 2 for value in _IMAGENET_RGB_STD)
        return layers.Normalization(mean=mean, variance=variance, **_PIXELS)(images)
    return images


def _reverse(images: Any) -> Any:
    """(N, H, W, 3) RGB -> BGR.

    No layer of Keras reverses an axis: channels become columns, which are cut out one by one and joined
    again in the other order. A fixed 1x1 convolution would round where a device multiplies in TF32.
    """
    columns = layers.Permute((1, 3, 2), dtype="float32", name="standardise_columns")(images)
    parts = [
        layers.Cropping2D(
            ((0, 0), (channel, 2 - channel)),
            data_format="channels_last",
            dtype="float32",
            name=f"standardise_{colour}",
        )(columns)
        for channel, colour in ((2, "blue"), (1, "green"), (0, "red"))
    ]
    joined = layers.Concatenate(axis=2, dtype="float32", name="standardise_order")(parts)
    return layers.Permute((1, 3, 2), dtype="float32", name="standardise_channels")(joined)


def rescale(images: Any) -> Any:
    """(N, H, W, C) in 0..255 -> the values that an encoder learns from.

    Grey images become ink: 1 for black and 0 for white, so that the surroundings of a drawing are zero, as a
    convolution's padding is. Colour images become -1..1.
    """
    if images.shape[-1] == 1:
        return layers.Rescaling(-1 / 255, 1.0, **_PIXELS)(images)
    return layers.Rescaling(1 / 127.5, -1.0, **_PIXELS)(images)
