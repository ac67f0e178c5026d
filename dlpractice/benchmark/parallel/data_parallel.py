"""One net on several devices with `tf.distribute.MirroredStrategy`, and what the exchange costs.

A step is forward, backward, a sum of the gradients over devices, and one step of plain SGD. Its loss is half
the mean squared difference between outputs and targets, over all values of the global batch. Layers run as in
inference: several devices must learn what one learns, so no statistics of a part of the batch may enter.

The devices are real GPUs, or logical CPUs, which share the cores of one machine. Logical CPUs show that a
step is right and what it exchanges, and never a speed-up. TensorFlow only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.device.backend import backend_name
from dlpractice.benchmark.models.graphs import copy_layer
from dlpractice.errors import HardwareError

LEARNING_RATE = 0.01


@dataclass(frozen=True)
class Collectives:
    """What one step exchanges, by its traced graph.

    count: how many sums over devices it takes.
    bytes_per_device: how many bytes each device gives to them.
    """

    count: int
    bytes_per_device: int


@dataclass(frozen=True)
class Mirrored:
    """A copy of a net on each device.

    step: one training step on dealt images and targets; gives the loss of each part.
    lonely_step: the same without the exchange, so that each copy learns from its own part. It is only for
        timing.
    """

    devices: tuple[str, ...]
    strategy: Any
    model: keras.Model
    step: Callable[[Any, Any], Any]
    lonely_step: Callable[[Any, Any], Any]

    def deal(self, batch: Any) -> Any:
        """Deals out (N, ...), a part for each device; N must be a multiple of the number of devices."""
        return _deal(self.strategy, batch)

    def weights(self) -> list[np.ndarray]:
        """The weights of the copy on the first device."""
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def disagreement(self) -> float:
        """The largest difference between a weight of the first copy and the same weight of any other."""
        differences = [0.0]
        for variable in self.model.variables:
            first, *others = self.strategy.experimental_local_results(variable.value)
            differences += [np.abs(first.numpy() - other.numpy()).max() for other in others]
        return float(np.max(differences))

    def count_collectives(self, images: Any, targets: Any) -> Collectives:
        """Counts what a step with these dealt arrays exchanges."""
        graph = self.step.get_concrete_function(images, targets).graph  # type: ignore[attr-defined]
        found = [op for op in graph.get_operations() if op.type in _COLLECTIVES]
        first = [op for op in found if op.device == found[0].device]
        size = sum(prod(op.inputs[0].shape.as_list()) * op.inputs[0].dtype.size for op in first)
        return Collectives(len(first), size)


_COLLECTIVES = ("CollectiveReduce", "CollectiveReduceV2", "CollectiveReduceV3", "NcclAllReduce")


def list_gpus() -> tuple[str, ...]:
    """The GPUs that TensorFlow sees, named as in `GPU:0`.

    Raises HardwareError under another backend.
    """
    _need_tensorflow()
    import tensorflow as tf

    return tuple(f"GPU:{index}" for index, _ in enumerate(tf.config.list_logical_devices("GPU")))


def mirror(model: keras.Model, devices: Sequence[str]) -> Mirrored:
    """Copies `model`, with its weights, to all `devices`, named as in `GPU:0`.

    Raises HardwareError under another backend, or where TensorFlow does not see one of them.
    """
    _need_tensorflow()
    import tensorflow as tf

    present = {device.name.split("device:")[-1] for device in tf.config.list_logical_devices()}
    if absent := [name for name in devices if name not in present]:
        raise HardwareError(f"TensorFlow does not see {', '.join(absent)}", f"it sees {', '.join(present)}")
    strategy = _strategy(tuple(devices))
    with strategy.scope():
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    step, lonely = (_compile_step(strategy, copy, exchange) for exchange in (True, False))
    return Mirrored(tuple(devices), strategy, copy, step, lonely)


@cache
def _strategy(devices: tuple[str, ...]) -> Any:
    """The strategy for all nets on the same devices, made once.

    TensorFlow numbers the exchanges of each strategy from the same start. With a second strategy, it would
    take one net's exchange for another's.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices)


def _compile_step(strategy: Any, model: keras.Model, exchange: bool) -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    variables = model.trainable_variables

    def learn(strategy: Any, gradients: Sequence[Any]) -> None:
        for variable, gradient in zip(variables, gradients, strict=True):
            strategy.extended.update(variable.value, _descend, args=(gradient,))

    def on_replica(images: Any, targets: Any) -> Any:
        context = tf.distribute.get_replica_context()
        count = images.shape[0] * strategy.num_replicas_in_sync
        loss, gradients = _loss_and_gradients(model, images, targets, count)
        if exchange:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        context.merge_call(learn, args=(gradients,))
        return loss

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(images: Any, targets: Any) -> Any:
        return strategy.run(on_replica, args=(images, targets))

    return step  # type: ignore[no-any-return]


def _descend(variable: Any, gradient: Any) -> None:
    variable.assign_sub(LEARNING_RATE * gradient)


def _loss_and_gradients(model: Any, images: Any, targets: Any, count: int) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        errors = tf.square(model(images, training=False) - targets)
        loss = tf.reduce_sum(errors) / (2 * count * targets.shape[1])
    return loss, tape.gradient(loss, variables)


def compile_own_computation(
    model: keras.Model, devices: Sequence[str], images: Any, targets: Any
) -> Callable[[], Any]:
    """A call in which each device does its own part of a step, forward and backward, and nothing else.

    There is no strategy, no exchange and no update. The call returns each device's part of the loss, and the
    sum of its gradients.

    images, targets: of the global batch, which is dealt out evenly.

    Raises HardwareError under another backend.
    """
    _need_tensorflow()
    import tensorflow as tf

    parts = []
    for index, device in enumerate(devices):
        with tf.device(device):
            mine = [tf.constant(np.split(array, len(devices))[index]) for array in (images, targets)]
        parts.append((device, copy_layer(model, device), *mine))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def compute() -> Any:
        done = []
        for device, copy, mine, wanted in parts:
            with tf.device(device):
                loss, gradients = _loss_and_gradients(copy, mine, wanted, len(images))
                # TensorFlow drops gradients that nobody reads, and returning them all would move them.
                done.append((loss, tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])))
        return done

    return compute  # type: ignore[no-any-return]


def _deal(strategy: Any, batch: Any) -> Any:
    import tensorflow as tf

    parts = np.split(np.asarray(batch), strategy.num_replicas_in_sync)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )


def _need_tensorflow() -> None:
    if backend_name() != "tensorflow":
        raise HardwareError(
            f"MirroredStrategy belongs to TensorFlow; Keras runs on {backend_name()}",
            "set KERAS_BACKEND=tensorflow",
        )
