"""The precision that a model computes in. Its variables are always kept in float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from dlpractice.layers.preprocessing import ImageInput, Preprocess, Probabilities

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_HEAD = ("pooled", "standardise", "logits", "dropout", "hidden", "embedding", "similarity", "verdict")


def set_precision(model: keras.Model, precision: str) -> None:
    """Makes the base of `model` compute in `precision`; preprocessing and head stay in float32."""
    for layer in _walk(model):
        if not isinstance(layer, ImageInput | Preprocess | Probabilities) and not layer.name.startswith(
            _HEAD
        ):
            layer.dtype_policy = POLICIES[precision]


@contextmanager
def computing_in(model: keras.Model, precision: str) -> Iterator[None]:
    """Lets `model` compute in `precision` within a block, and in float32 after it."""
    set_precision(model, precision)
    try:
        yield
    finally:
        set_precision(model, "float32")


def _walk(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _walk(layer)
        yield layer
