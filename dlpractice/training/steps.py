"""The two compiled functions of training: one optimiser step, and the forward pass.

Each size of a batch has a graph of its own. With `reduce_retracing` the second size would get one of open
size, which rounds differently, and a run that is taken up at a batch of another size would end with other
bits.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.batches.feed import Rows
from dlpractice.training.devices.placement import Placement
from dlpractice.training.optimisers.optimisers import Group

# Gradients below 6e-8 vanish in float16 unless the loss is scaled up (Micikevicius et al. 2018,
# arXiv:1710.03740). A constant suffices for nets as shallow as these; a gradient that overflows is skipped.
_FLOAT16_LOSS_SCALE = 1024.0

Loss = Callable[..., Any]
"""From a replica's part of a batch to its share of the loss of the whole batch: the shares add up to it."""
TrainStep = Callable[[Sequence[Any], float], Any]
Forward = Callable[[Any], Any]


def scale_of_loss(precision: str) -> float:
    """By what a loss is multiplied in front of its gradients, in that precision."""
    return _FLOAT16_LOSS_SCALE if precision == "float16" else 1.0


def cross_entropy(logits: Any, targets: Any) -> Any:
    """(N, K) logits and (N, K) soft targets -> (N,) losses in nats."""
    return tf.nn.softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))


def classification_loss(model: keras.Model) -> Loss:
    """Mean cross-entropy, in nats, of a batch of inputs, (n, K) soft targets and (n,) example weights."""

    def loss(inputs: Any, targets: Any, weights: Any) -> Any:
        losses = cross_entropy(model(inputs, training=True), targets)
        # By the weights of the whole batch: means of the replicas' own parts would weigh uneven parts alike.
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(weights))
        return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), total)

    return loss


def compile_train_step(
    loss: Loss, groups: Sequence[Group], placement: Placement, precision: str, parts: int = 1
) -> TrainStep:
    """A function of (this process's share of a global batch, learning rate) that takes one step and returns
    the batch's loss.

    parts: the batch is computed in so many parts, one after another, and the step is taken with the gradient
    of the whole. The last array of a batch then holds the example weights by which `loss` is a mean.
    """
    scale = scale_of_loss(precision)
    variables = [variable for group in groups for variable in group.variables]
    run = placement.strategy.run

    def sum_replicas(value: Any) -> Any:
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)

    def differentiate(*batch: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            share = loss(*batch)
            scaled = share * scale
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        if scale != 1.0:
            gradients = [tf.where(tf.math.is_finite(g), g / scale, tf.zeros_like(g)) for g in gradients]
        return share, gradients

    def apply(gradients: list[Any]) -> None:
        taken = 0
        for group in groups:
            group.optimiser.apply(gradients[taken : taken + len(group.variables)], group.variables)
            taken += len(group.variables)

    def set_rate(rate: Any) -> None:
        for group in groups:
            group.optimiser.learning_rate.assign(rate * group.factor)

    def whole_step(*batch: Any) -> Any:
        share, gradients = differentiate(*batch)
        apply(gradients)
        return sum_replicas(share)

    def add_part(sums: tuple[Any, ...], *batch: Any) -> tuple[Any, ...]:
        share, gradients = differentiate(*batch)
        weight = sum_replicas(tf.reduce_sum(batch[-1]))
        news = (weight, share * weight, *(tf.convert_to_tensor(g) * weight for g in gradients))
        return tuple(old + new for old, new in zip(sums, news, strict=True)) if sums else news

    def apply_sums(sums: tuple[Any, ...]) -> Any:
        weight, total, *gradients = sums
        apply([gradient / weight for gradient in gradients])
        return sum_replicas(total / weight)

    @tf.function  # type: ignore[untyped-decorator]
    def step(batch: Any, rate: Any) -> Any:
        set_rate(rate)
        return placement.strategy.experimental_local_results(run(whole_step, args=batch))[0]

    # A function for each part, and none for all: within one, TensorFlow would compute parts at the same time,
    # and hold all of them in memory.
    @tf.function  # type: ignore[untyped-decorator]
    def accumulate(sums: Any, batch: Any) -> Any:
        return run(add_part, args=(sums, *batch))

    @tf.function  # type: ignore[untyped-decorator]
    def finish(sums: Any, rate: Any) -> Any:
        set_rate(rate)
        return placement.strategy.experimental_local_results(run(apply_sums, args=(sums,)))[0]

    def train(batch: Sequence[Any], rate: float) -> Any:
        rate = tf.constant(rate, tf.float32)
        if parts == 1:
            return step(placement.deal(batch), rate)
        bounds = np.linspace(0, len(batch[0]), parts + 1).astype(int)
        sums: Any = ()
        for start, stop in pairwise(bounds):
            sums = accumulate(sums, placement.deal([array[start:stop] for array in batch]))
        return finish(sums, rate)

    return train


def compile_forward(model: keras.Model, placement: Placement) -> Forward:
    """A function from a batch of inputs to (n, ...) outputs in inference mode: an array, or a list for
    several."""

    @tf.function  # type: ignore[untyped-decorator]
    def run(inputs: Any) -> Any:
        return placement.strategy.run(lambda part: model(part, training=False), args=(inputs,))

    def forward(inputs: Any) -> Any:
        count = len(inputs)
        if (lack := placement.replicas - count) > 0:
            # Filled up here, in front of the shares, so that what lacks comes last in what is collected.
            inputs = np.concatenate([inputs, np.zeros((lack, *inputs.shape[1:]), inputs.dtype)])
        inputs = inputs[placement.share(len(inputs))]
        if inputs.dtype == np.uint8:
            inputs = inputs.astype(np.float32)
        outputs = run(*placement.deal([inputs]))
        # Every value of its own collective, in the same order on all workers.
        flat = [placement.collect(values)[:count] for values in _list_outputs(outputs)]
        return flat if isinstance(outputs, list) else flat[0]

    return forward


def _list_outputs(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def forward_all(forward: Forward, rows: Rows, batch_size: int = 256) -> NDArray[np.float32]:
    """`forward` over all `rows`, in order."""
    starts = range(0, len(rows), batch_size)
    parts = [forward(rows[np.arange(start, min(start + batch_size, len(rows)))]) for start in starts]
    return np.concatenate(parts)


def losses_and_predictions(
    logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(N, K) logits -> (N,) cross-entropies in nats and (N,) predicted classes."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return losses, logits.argmax(axis=1)
