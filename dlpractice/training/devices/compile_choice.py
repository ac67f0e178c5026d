"""Finds out whether XLA makes the steps of a training faster, and keeps what was found.

To compile takes seconds, and on a CPU the compiled step is often the slower one, because oneDNN's kernels
beat XLA's. So both are timed on the real net and batch, once for each machine; a training that would be over
before the compiling has paid is not compiled, and not timed either.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlpractice.training.devices.kept_times import KeptTimes, Seconds, describe_machine
from dlpractice.training.devices.placement import Placement

PLAIN, COMPILED = "plain", "compiled"
# A compiled step has to win clearly: it was timed for a moment, and the other rounds as the runs before did.
_MARGIN = 1.1
# What compiling costs has to be small beside the training: 10 to 20 s were seen on a GPU of data centres. On
# a CPU little is to be won by it. Both bounds are guesses.
_SHORTEST = {"GPU": 30.0, "CPU": 600.0}
_ROUNDS = 2


@dataclass(frozen=True)
class Compilation:
    """Whether XLA compiles a stage's steps, and why.

    Args:
        seconds: the times of a step that this was decided by, if any: PLAIN, and COMPILED if it was timed.
        obstacle: why XLA cannot compile them, though it was asked to; empty where it can, or was not asked.
    """

    compiled: bool
    seconds: Seconds
    obstacle: str = ""


@dataclass(frozen=True)
class Timing(KeptTimes):
    """What the speed of a step depends on, with which its times are kept in the cache.

    Args:
        net: the layers, which of them are trained, and the shapes of their weights and outputs.
        batch: shapes and types of what a step takes.
        precision: that the net computes in.
        parts: those in which a batch is computed.
    """

    net: str
    batch: tuple[str, ...]
    precision: str
    parts: int

    ROOM: ClassVar[str] = "compilation"
    NAMES: ClassVar[tuple[str, ...]] = (PLAIN, COMPILED)
    CODE: ClassVar[tuple[str, ...] | None] = ("dlpractice.training.steps", __name__)


def describe_timing(
    model: keras.Model, batch: Sequence[Any], precision: str, parts: int, placement: Placement
) -> Timing:
    """What the speed of steps of `model` on batches like `batch` depends on."""
    layers = [
        (
            type(layer).__name__,
            [list(variable.shape) for variable in layer.trainable_variables],
            [list(variable.shape) for variable in layer.non_trainable_variables],
            str(getattr(layer, "output", None) is not None and layer.output.shape),
        )
        for layer in model._flatten_layers(include_self=False)
    ]
    shapes = tuple(f"{np.asarray(array).dtype} {np.shape(array)}" for array in batch)
    return Timing(describe_machine(placement), json.dumps(layers), shapes, precision, parts)


def choose_compilation(
    timing: Timing,
    steps: int,
    placement: Placement,
    prepare: Callable[[bool], Callable[[], object]],
) -> Compilation:
    """Chooses by what the cache holds, or else by timing; all workers choose what the first one does.

    The same steps and the same cache give the same choice: it does not hang on the moment.

    Args:
        steps: those of the whole training.
        prepare: from whether XLA shall compile to a function that takes a step and waits for its end.
    """
    seconds: dict[str, float] = placement.agree(timing.read() if placement.is_chief else None)
    known, obstacle = dict(seconds), ""
    shortest = _SHORTEST["GPU" if "GPU" in placement.devices[0] else "CPU"]
    if PLAIN not in seconds:
        seconds = placement.agree(_time({PLAIN: prepare(False)}))
    if COMPILED not in seconds and seconds[PLAIN] * steps >= shortest:
        obstacle = find_obstacle(prepare(True), placement)
        if not obstacle:
            seconds = placement.agree(_time({PLAIN: prepare(False), COMPILED: prepare(True)}))
    if seconds != known and placement.is_chief:
        timing.write(seconds)
    is_long = seconds[PLAIN] * steps >= shortest
    is_faster = seconds.get(COMPILED, inf) * _MARGIN < seconds[PLAIN]
    return Compilation(is_long and is_faster, seconds, obstacle)


def find_obstacle(call: Callable[[], object], placement: Placement) -> str:
    """Why XLA cannot compile the step that `call` takes; empty where it can, on all workers."""
    try:
        call()
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
        obstacle = _describe(error.message)
    else:
        obstacle = ""
    if placement.add_up(np.array([bool(obstacle)], np.int64))[0]:
        return obstacle or "another worker cannot compile it"
    return ""


def _describe(message: str) -> str:
    """What an error of compiling says of the operations that XLA has no kernel for.

    An operation is called by its place in the net, such as `classifier/small/resize/ResizeBicubic`: the last
    is the operation itself, before it stands the layer.
    """
    operations = dict.fromkeys(re.findall(r"\{\{node ([^}]+)\}\}", message))
    if operations:
        return f"XLA has no kernel for {', '.join(operations)}"
    return f"XLA cannot compile the step: {(message.splitlines() or ['no reason given'])[0]}"


def _time(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The seconds of each call, the shortest of some in turns: other processes slow some of them down.

    The first round is not counted, since graphs are made in it. There are equally many for all workers, who
    wait for each other in each call.
    """
    for call in calls.values():
        call()
    rounds = [{name: _time_once(call) for name, call in calls.items()} for _ in range(_ROUNDS)]
    return {name: min(times[name] for times in rounds) for name in calls}


def _time_once(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
