"""Finds out in which precision a device computes convolutions fastest, and keeps what was found."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf

from dlpractice.training.devices.kept_times import KeptTimes, Seconds, describe_machine
from dlpractice.training.devices.placement import Placement

# Large enough to keep a GPU busy for a moment, small enough for a CPU to do in some hundredths of a second: a
# 3x3 convolution of 128 channels, 7.4 GFLOP.
_IMAGES, _SIDE, _CHANNELS = 8, 56, 128
# The precisions take turns, and of many short measurements the fastest counts: other processes slow some of
# them down, and must not decide the choice. Few are enough where one precision is ahead in all of them.
_FEWEST_ROUNDS, _MOST_ROUNDS = 3, 10
# A lower precision has to win clearly.
_MARGIN = 1.15

Choice = tuple[str, Seconds]
"""A precision, and the seconds of a convolution in each that was tried; empty if the config names it."""


@dataclass(frozen=True)
class PrecisionTimes(KeptTimes):
    """What the speed of a convolution depends on: the machine alone, because it is always the same one."""

    ROOM: ClassVar[str] = "precision"
    NAMES: ClassVar[tuple[str, ...]] = ("float32", "bfloat16", "float16")


def choose_precision(placement: Placement) -> Choice:
    """Chooses `float32`, unless `bfloat16` (or `float16`, on a GPU) is clearly faster on the first device.

    It is timed once for each machine: the same cache gives the same choice.
    """
    kept, names = PrecisionTimes(describe_machine(placement)), list_candidates(placement.devices[0])
    seconds = kept.read()
    if set(seconds) != set(names):
        seconds = time_convolutions(placement.devices[0], names)
        kept.write(seconds)
    return min(seconds, key=lambda name: _handicap(name) * seconds[name]), seconds


def list_candidates(device: str) -> list[str]:
    """The precisions to try on a device."""
    return ["float32", "bfloat16"] + (["float16"] if "GPU" in device else [])


def time_convolutions(device: str, names: Sequence[str]) -> dict[str, float]:
    """The seconds of a convolution on `device` in each of the precisions `names`."""
    calls = {name: _compile_convolution(device, tf.as_dtype(name)) for name in names}
    rounds: list[dict[str, float]] = []
    while len(rounds) < _FEWEST_ROUNDS or (len(rounds) < _MOST_ROUNDS and not _is_settled(rounds)):
        rounds.append({name: _time(call) for name, call in calls.items()})
    return {name: min(times[name] for times in rounds) for name in names}


def _is_settled(rounds: Sequence[Mapping[str, float]]) -> bool:
    """Whether the slowest time of one precision is less than the fastest of all others."""
    times = {name: [_handicap(name) * row[name] for row in rounds] for name in rounds[0]}
    ahead = min(times, key=lambda name: max(times[name]))
    return all(max(times[ahead]) < min(times[name]) for name in times if name != ahead)


def _handicap(name: str) -> float:
    return 1.0 if name == "float32" else _MARGIN


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
