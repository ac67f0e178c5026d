"""The two compiled functions of training: one optimiser step, and the forward pass.

TensorFlow compiles a graph for each batch size. With `reduce_retracing` it would compile, from the second
size on, one graph for all sizes, and that graph rounds differently: a run that is resumed at a batch of
another size would end with other bits.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.batches.feed import take_as_they_are
from dlpractice.training.batches.supply import Receive, Supply, as_sent, read_ahead
from dlpractice.training.devices.placement import Placement
from dlpractice.training.optimisers.optimisers import Group

# Gradients below 6e-8 vanish in float16 unless the loss is scaled up (Micikevicius et al. 2018,
# arXiv:1710.03740). A constant suffices for nets as shallow as these. Values of a gradient that overflow
# count as 0.
_FLOAT16_LOSS_SCALE = 1024.0

Loss = Callable[..., Any]
"""From a replica's part of a batch to that part's share of the loss. The shares of all replicas add up to the
loss of the whole batch."""
Prepare = Callable[..., tuple[Any, ...]]
"""From a replica's part of a batch to what the loss takes; see `Batches.prepare`."""
TrainStep = Callable[[Sequence[Any], float], Any]
"""From this process's share of a batch and a learning rate to the loss of the whole batch; takes one step."""


def scale_of_loss(precision: str) -> float:
    """The factor by which a loss is multiplied before its gradients are taken in that precision."""
    return _FLOAT16_LOSS_SCALE if precision == "float16" else 1.0


def cross_entropy(logits: Any, targets: Any) -> Any:
    """(N, K) logits and (N, K) soft targets -> (N,) losses in nats."""
    return tf.nn.softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))


def classification_loss(model: keras.Model) -> Loss:
    """The loss of a batch of inputs, (n, K) soft targets and (n,) example weights: their weighted mean
    cross-entropy, in nats.

    Its gradient is that of the weighted sum divided by n. Weights are 1 on average over the training set, but
    not over each batch: divided by its own weights, a batch of one example would give every class the same
    weight. The value is divided by them, so that it does not depend on which classes a batch happens to hold.
    """

    def loss(inputs: Any, targets: Any, weights: Any) -> Any:
        losses = tf.reduce_sum(cross_entropy(model(inputs, training=True), targets) * weights)
        # Both divisors are those of the whole batch: means over the replicas' own parts would give parts of
        # uneven size the same weight.
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(weights))
        count = context.all_reduce(tf.distribute.ReduceOp.SUM, count_examples(weights))
        learnt, mean = (tf.math.divide_no_nan(losses, divisor) for divisor in (count, total))
        return learnt + tf.stop_gradient(mean - learnt)

    return loss


def count_examples(weights: Any) -> Any:
    """How many of (n,) example weights are those of examples, a float32 scalar.

    The others are 0: they belong to the rows that fill up a small batch, see `Placement.deal`.
    """
    return tf.math.count_nonzero(weights, dtype=tf.float32)


def compile_train_step(
    loss: Loss,
    groups: Sequence[Group],
    placement: Placement,
    precision: str,
    parts: int = 1,
    prepare: Prepare = take_as_they_are,
) -> TrainStep:
    """Compiles a function that takes one optimiser step on a batch.

    Args:
        loss: see `Loss`.
        groups: the variables to train, with their optimisers.
        precision: what the model computes in; float16 has the loss scaled.
        parts: the number of parts in which a batch is computed, one after another. The step is then taken
            with the gradient of the whole batch. With more than one part, `loss` must be as that of
            `classification_loss`, and the last array of a prepared batch must hold the example weights.
        prepare: is called in the step, on each replica, and before the loss.
    """
    scale = scale_of_loss(precision)
    variables = [variable for group in groups for variable in group.variables]
    run = placement.strategy.run

    def sum_replicas(value: Any) -> Any:
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)

    def differentiate(*batch: Any) -> tuple[Any, list[Any]]:
        """From a prepared batch to the loss and its gradients."""
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
        share, gradients = differentiate(*prepare(*batch))
        apply(gradients)
        return sum_replicas(share)

    def add_part(sums: tuple[Any, ...], *batch: Any) -> tuple[Any, ...]:
        prepared = prepare(*batch)
        share, gradients = differentiate(*prepared)
        weights = prepared[-1]
        weight, count = (sum_replicas(number) for number in (tf.reduce_sum(weights), count_examples(weights)))
        news = (weight, share * weight, count, *(tf.convert_to_tensor(g) * count for g in gradients))
        return tuple(old + new for old, new in zip(sums, news, strict=True)) if sums else news

    def apply_sums(sums: tuple[Any, ...]) -> Any:
        weight, total, count, *gradients = sums
        apply([gradient / count for gradient in gradients])
        return sum_replicas(total / weight)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(batch: Any, rate: Any) -> Any:
        set_rate(rate)
        return placement.strategy.experimental_local_results(run(whole_step, args=batch))[0]

    # Each part is a call of its own. Inside one function for all parts, TensorFlow would compute several at
    # the same time, and hold all of them in memory.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def accumulate(sums: Any, batch: Any) -> Any:
        return run(add_part, args=(sums, *batch))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
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


@dataclass(frozen=True)
class Forward:
    """A compiled forward pass, from (n, ...) inputs to the (n, ...) outputs in inference mode.

    Args:
        begin: from what a `Supply` sends for a batch, and its `Receive`, to a function that waits for the
            outputs: an array, or a list of them if the model has several. The devices compute meanwhile.
    """

    begin: Callable[[Sequence[NDArray[Any]], Receive], Callable[[], Any]]

    def __call__(self, inputs: NDArray[Any]) -> Any:
        """The outputs for an array of inputs."""
        return self.begin((inputs,), as_sent)()


def compile_forward(model: keras.Model, placement: Placement) -> Forward:
    """Compiles the model's forward pass, once for each size of batch and each `Receive`."""

    @cache
    def compile_with(receive: Receive) -> Callable[[Any], Any]:
        def compute(*part: Any) -> Any:
            return model(receive(*part), training=False)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def run(batch: Any) -> Any:
            return placement.strategy.run(compute, args=batch)

        return run  # type: ignore[no-any-return]

    def begin(sent: Sequence[NDArray[Any]], receive: Receive) -> Callable[[], Any]:
        count = len(sent[0])
        if (lack := placement.replicas - count) > 0:
            # The batch is filled up before it is shared out, so that the extra rows come last in what is
            # collected.
            sent = [np.concatenate([part, np.zeros((lack, *part.shape[1:]), part.dtype)]) for part in sent]
        own = placement.share(len(sent[0]))
        outputs = compile_with(receive)(placement.deal([part[own] for part in sent]))

        def wait() -> Any:
            # Each output is collected by itself, in the same order on all workers.
            flat = [placement.collect(values)[:count] for values in _list_outputs(outputs)]
            return flat if isinstance(outputs, list) else flat[0]

        return wait

    return Forward(begin)


def _list_outputs(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def forward_parts(forward: Forward, supply: Supply, batch_size: int) -> Iterator[Any]:
    """The outputs for all rows of `supply`, in order, a batch at a time.

    The devices compute a batch while the next is read and the one before is fetched and worked with.
    """
    starts = range(0, len(supply), batch_size)
    batches = (np.arange(start, min(start + batch_size, len(supply))) for start in starts)
    begun: deque[Callable[[], Any]] = deque()
    for sent in read_ahead(supply.send(batch) for batch in batches):
        begun.append(forward.begin(sent, supply.receive))
        if len(begun) > 1:
            yield begun.popleft()()
    for wait in begun:
        yield wait()


def forward_all(forward: Forward, supply: Supply, batch_size: int = 256) -> NDArray[np.float32]:
    """The outputs for all rows of `supply`, in order, of a model with one output."""
    return np.concatenate(list(forward_parts(forward, supply, batch_size)))


def losses_and_predictions(
    logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(N, K) logits -> (N,) cross-entropies in nats and (N,) predicted classes."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return losses, logits.argmax(axis=1)
