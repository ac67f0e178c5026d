"""The precision that a model computes in. Its variables are always kept in float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_FLOAT32 = (
    *("standardise", "pooled", "logits", "dropout", "hidden", "embedding", "similarity", "verdict"),
    *("probabilities", "image_input", "preprocess"),  # the last two are in files of earlier versions
)
"""How the names of layers begin that stay in float32: what is in front of the base and behind it."""


def set_precision(model: keras.Model, precision: str) -> None:
    """Makes the base of `model` compute in `precision`; preprocessing and head stay in float32."""
    for layer in _walk(model):
        if not layer.name.startswith(_FLOAT32):
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
