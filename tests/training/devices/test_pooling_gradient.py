"""Compiled max pooling, whose gradient is repeatable, against TensorFlow's own without XLA."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlpractice.training.devices.compilation import Compiler, compile_by_xla, leave_as_it_is
from dlpractice.training.randomness import seed_everything

# Few values, so that many windows hold the greatest one more than once; all below zero in the second image.
_RNG = np.random.default_rng(0)
IMAGES = np.stack([_RNG.integers(0, 3, (9, 7, 2)), _RNG.integers(-5, -3, (9, 7, 2))]).astype(np.float32)


def differentiate(pool: Callable[[Any], Any], images: Any, compiler: Compiler) -> tuple[Any, Any]:
    """What is pooled, and its gradient with numbers upstream that differ."""

    def step(images: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            pooled = compiler(pool)(images)
            upstream = np.random.default_rng(1).normal(size=pooled.shape)
            loss = tf.reduce_sum(pooled * tf.constant(upstream, pooled.dtype))
        return pooled, tape.gradient(loss, images)

    seed_everything(0)  # from here on, operations are repeatable
    found: tuple[Any, Any] = compiler(step)(tf.constant(images))
    return found


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("window", "strides"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (3, 1))])
def test_outputs_and_gradients_have_the_bits_of_tensorflow_s(
    window: tuple[int, int], strides: tuple[int, int], padding: str
) -> None:
    def pool(images: Any) -> Any:
        return tf.nn.max_pool2d(images, window, strides, padding)

    ways = (differentiate(pool, IMAGES, compiler) for compiler in (compile_by_xla, leave_as_it_is))
    for ours, theirs in zip(*ways, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.MaxPooling2D(2, dtype="bfloat16"),
        keras.layers.MaxPooling1D(3, 2, padding="same"),
    ],
    ids=["bfloat16", "tokens"],
)
def test_pools_of_all_kinds_are_differentiated_so(layer: Any) -> None:
    images = IMAGES[:, 0] if isinstance(layer, keras.layers.MaxPooling1D) else IMAGES
    ways = (differentiate(layer, images, compiler) for compiler in (compile_by_xla, leave_as_it_is))
    for ours, theirs in zip(*ways, strict=True):
        np.testing.assert_array_equal(tf.cast(ours, tf.float32), tf.cast(theirs, tf.float32))


def test_channels_may_come_first() -> None:
    def pool(images: Any) -> Any:  # TensorFlow cannot do so on a CPU, but XLA can
        moved = tf.transpose(images, (0, 3, 1, 2))
        return tf.transpose(tf.nn.max_pool2d(moved, 3, 2, "SAME", "NCHW"), (0, 2, 3, 1))

    wanted = differentiate(keras.layers.MaxPooling2D(3, 2, padding="same"), IMAGES, leave_as_it_is)
    for ours, theirs in zip(differentiate(pool, IMAGES, compile_by_xla), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
