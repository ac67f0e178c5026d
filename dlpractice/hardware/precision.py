"""Which precision this machine computes convolutions fastest in, found by trying."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Large enough to keep a GPU busy for a moment, small enough for a CPU to repeat in a tenth of a second: a 3x3
# convolution of 128 channels, 7.4 GFLOP.
_IMAGES, _SIDE, _CHANNELS = 8, 56, 128
_REPEATS = 3
# A lower precision has to win clearly, or a noisy moment decides it.
_MARGIN = 1.15


def choose_precision(device: str) -> tuple[str, dict[str, float]]:
    """`float32`, or `bfloat16` (on a GPU also `float16`) where it is clearly faster; and seconds per
    convolution."""
    candidates = ["float32", "bfloat16"] + (["float16"] if "GPU" in device else [])
    seconds = {name: _time_convolution(device, tf.as_dtype(name)) for name in candidates}
    fastest = min(seconds, key=lambda name: seconds[name] * (1.0 if name == "float32" else _MARGIN))
    return fastest, seconds


def _time_convolution(device: str, dtype: tf.DType) -> float:
    with tf.device(device):
        images = tf.cast(tf.random.stateless_uniform((_IMAGES, _SIDE, _SIDE, _CHANNELS), (1, 2)), dtype)
        kernel = tf.cast(tf.random.stateless_uniform((3, 3, _CHANNELS, _CHANNELS), (3, 4)), dtype)

        @tf.function  # type: ignore[untyped-decorator]
        def convolve() -> Any:
            return tf.reduce_sum(tf.nn.conv2d(images, kernel, 1, "SAME"))

        convolve().numpy()
        return min(_time(lambda: convolve().numpy()) for _ in range(_REPEATS))


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
