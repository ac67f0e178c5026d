"""Layers that are in the model files of earlier versions, for reading those.

All are registered, so that Keras's safe mode loads them once this module is imported. Nothing is built of
them any more.
"""

from typing import Any, Literal

import keras
from keras import ops

_Scaling = Literal["none", "caffe", "tf", "torch"]

_PACKAGE = "dlpractice"
_IMAGENET_BGR_MEAN = (103.939, 116.779, 123.68)
_IMAGENET_RGB_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_RGB_STD = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package=_PACKAGE)
class ImageInput(keras.layers.Layer):  # type: ignore[misc]
    """Resizes any RGB image, (N, H, W, 3) in 0..255, to a square of `image_size` pixels a side.

    resize, background: a note, which says how the training images were decoded.
    """

    def __init__(self, image_size: int, resize: str, background: str, **kwargs: Any) -> None:
        super().__init__(dtype="float32", name=kwargs.pop("name", "image_input"), trainable=False)
        self.image_size = image_size
        self.resize = resize
        self.background = background

    def call(self, images: Any) -> Any:
        size = (self.image_size, self.image_size)
        return ops.image.resize(images, size, interpolation="bilinear", data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.image_size, self.image_size, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        note = {"image_size": self.image_size, "resize": self.resize, "background": self.background}
        return {**super().get_config(), **note}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Preprocess(keras.layers.Layer):  # type: ignore[misc]
    """(N, H, W, 3) RGB in 0..255 -> the range a backbone was trained on, as `preprocessing.preprocess`."""

    def __init__(self, scaling: _Scaling, **kwargs: Any) -> None:
        super().__init__(dtype="float32", name=kwargs.pop("name", "preprocess"), trainable=False)
        self.scaling = scaling

    def call(self, images: Any) -> Any:
        if self.scaling == "caffe":
            return ops.flip(images, axis=-1) - ops.convert_to_tensor(_IMAGENET_BGR_MEAN, "float32")
        if self.scaling == "tf":
            return images / 127.5 - 1.0
        if self.scaling == "torch":
            mean = ops.convert_to_tensor(_IMAGENET_RGB_MEAN, "float32")
            std = ops.convert_to_tensor(_IMAGENET_RGB_STD, "float32")
            return (images / 255.0 - mean) / std
        return images

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scaling": self.scaling}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Probabilities(keras.layers.Layer):  # type: ignore[misc]
    """Logits (N, K) -> probabilities (N, K), in the order of `class_names`, which the model file keeps."""

    def __init__(self, class_names: tuple[str, ...] | list[str], **kwargs: Any) -> None:
        super().__init__(dtype="float32", name=kwargs.pop("name", "probabilities"), trainable=False)
        self.class_names = tuple(class_names)

    def call(self, logits: Any) -> Any:
        return ops.softmax(logits, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_names": list(self.class_names)}


@keras.saving.register_keras_serializable(package="dlpractice")
class Rescale(keras.layers.Layer):  # type: ignore[misc]
    """Pixels in 0..255 -> the values that a net learns from, as `preprocessing.rescale`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", name=kwargs.pop("name", "standardise_pixels"), trainable=False)

    def call(self, images: Any) -> Any:
        images = ops.cast(images, "float32")
        return 1.0 - images / 255.0 if images.shape[-1] == 1 else images / 127.5 - 1.0

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
