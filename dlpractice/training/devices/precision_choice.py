"""Measures in which precision a device computes convolutions fastest."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

# Large enough to keep a GPU busy for a moment, small enough for a CPU to do in some hundredths of a second: a
# 3x3 convolution of 128 channels, 7.4 GFLOP.
_IMAGES, _SIDE, _CHANNELS = 8, 56, 128
# The precisions take turns, and of many short measurements the fastest counts: other processes slow some of
# them down, and must not decide the choice.
_ROUNDS = 10
# A lower precision has to win clearly.
_MARGIN = 1.15

Choice = tuple[str, Mapping[str, float]]
"""A precision, and the seconds of a convolution in each that was tried; empty if the config names it."""


def choose_precision(device: str) -> Choice:
    """Chooses `float32`, unless `bfloat16` (or `float16`, on a GPU) is clearly faster."""
    candidates = ["float32", "bfloat16"] + (["float16"] if "GPU" in device else [])
    calls = {name: _compile_convolution(device, tf.as_dtype(name)) for name in candidates}
    rounds = [{name: _time(call) for name, call in calls.items()} for _ in range(_ROUNDS)]
    seconds = {name: min(times[name] for times in rounds) for name in candidates}
    fastest = min(seconds, key=lambda name: seconds[name] * (1.0 if name == "float32" else _MARGIN))
    return fastest, seconds


def _compile_convolution(device: str, dtype: tf.DType) -> Callable[[], object]:
    with tf.device(device):
        images = tf.cast(tf.random.stateless_uniform((_IMAGES, _SIDE, _SIDE, _CHANNELS), (1, 2)), dtype)
        kernel = tf.cast(tf.random.stateless_uniform((3, 3, _CHANNELS, _CHANNELS), (3, 4)), dtype)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def convolve() -> Any:
            return tf.reduce_sum(tf.nn.conv2d(images, kernel, 1, "SAME"))

        convolve().numpy()
    return lambda: convolve().numpy()


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
