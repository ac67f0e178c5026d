"""The compiled step of training, and the loss of classification.

TensorFlow compiles a graph for each batch size. With `reduce_retracing` it would compile, from the second
size on, one graph for all sizes, and that graph rounds differently: a run that is resumed at a batch of
another size would end with other bits.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlpractice.layers.normalisation import counting_rows
from dlpractice.training.batches.feed import take_as_they_are
from dlpractice.training.devices.compilation import Compiler, compile_by_xla, leave_as_it_is
from dlpractice.training.devices.placement import Placement, fill_up
from dlpractice.training.optimisers.loss_scale import LossScale
from dlpractice.training.optimisers.optimisers import Group

Loss = Callable[..., Any]
"""From a replica's part of a prepared batch to that part's share of the loss. The shares of all replicas add
up to the loss of the whole batch.

The keyword `compiler` takes a `Compiler`, by which the loss compiles what lies between its exchanges with
other replicas; by default, nothing is compiled."""
Prepare = Callable[..., tuple[Any, ...]]
"""From a replica's part of a batch to what the loss takes; see `Batches.prepare`."""
TrainStep = Callable[[Sequence[Any], float], Any]
"""From this process's share of a batch and a learning rate to the loss of the whole batch, which is not
waited for; takes one step."""


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

    def share(inputs: Any, targets: Any, weights: Any, count: Any, total: Any) -> Any:
        losses = tf.reduce_sum(cross_entropy(model(inputs, training=True), targets) * weights)
        learnt, mean = (tf.math.divide_no_nan(losses, divisor) for divisor in (count, total))
        return learnt + tf.stop_gradient(mean - learnt)

    def loss(inputs: Any, targets: Any, weights: Any, compiler: Compiler = leave_as_it_is) -> Any:
        # Both divisors are those of the whole batch: means over the replicas' own parts would give parts of
        # uneven size the same weight.
        count, total = sum_replicas(count_examples(weights)), sum_replicas(tf.reduce_sum(weights))
        return compiler(share)(inputs, targets, weights, count, total)

    return loss


def count_examples(weights: Any) -> Any:
    """How many of (n,) example weights are those of examples, a float32 scalar.

    The others are 0: they belong to the rows that fill up a small batch, see `Placement.deal`.
    """
    return tf.math.count_nonzero(weights, dtype=tf.float32)


def sum_replicas(value: Any) -> Any:
    """The sum of all replicas' values; to be called on each of them."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def compile_train_step(
    loss: Loss,
    groups: Sequence[Group],
    placement: Placement,
    parts: int = 1,
    *,
    scale: LossScale | None = None,
    prepare: Prepare = take_as_they_are,
    compiled: bool = False,
    rows: int = 0,
) -> TrainStep:
    """Makes a function that takes one optimiser step on a batch.

    Args:
        loss: see `Loss`.
        groups: the variables to train, with their optimisers.
        parts: the number of parts in which a batch is computed, one after another. The step is then taken
            with the gradient of the whole batch. With more than one part, `loss` must be as that of
            `classification_loss`, and the last array of a prepared batch must hold the example weights.
        scale: what the loss is scaled by, in float16. A step whose gradients are not finite is not taken.
        prepare: is called in the step, on each replica, and before the loss.
        compiled: whether XLA compiles the step. On one replica it compiles all that follows `prepare`, the
            optimisers included; on several, what lies between their exchanges.
        rows: batches that have fewer rows are filled up to so many, so that all have one size, and are
            compiled once. The last array of a prepared batch must then hold the example weights; the rows
            that fill up have none, and do not count in batch normalisation.
    """
    return _Step(loss, groups, placement, parts, scale, prepare, compiled, rows)


class _Step:
    """See `compile_train_step`, whose arguments it takes."""

    def __init__(
        self,
        loss: Loss,
        groups: Sequence[Group],
        placement: Placement,
        parts: int,
        scale: LossScale | None,
        prepare: Prepare,
        compiled: bool,
        rows: int,
    ) -> None:
        self._loss, self._groups, self._placement = loss, groups, placement
        self._parts, self._scale, self._prepare = parts, scale, prepare
        alone = placement.replicas == 1
        # Where nobody else is to be waited for, the whole is compiled. The pieces of the loss are functions
        # in it all the same: the gradients of those are ones that XLA compiles, see `compile_by_xla`.
        self._whole: Compiler = compile_by_xla if compiled and alone else leave_as_it_is
        self._piece: Compiler = compile_by_xla if compiled else leave_as_it_is
        unit = parts * placement.replicas // placement.workers
        self._rows = -(-rows // unit) * unit
        self._variables = [variable for group in groups for variable in group.variables]
        self._take, self._add, self._finish = (
            tf.function(function, autograph=False)
            for function in (self._take_step, self._add_part, self._step_on_sums)
        )

    def __call__(self, batch: Sequence[Any], rate: float) -> Any:
        rate = tf.constant(rate, tf.float32)
        batch = [fill_up(array, self._rows) for array in batch]
        if self._parts == 1:
            return self._take(self._placement.deal(batch), rate)
        bounds = np.linspace(0, len(batch[0]), self._parts + 1).astype(int)
        sums: Any = ()
        # Each part is a call of its own. Inside one function for all parts, TensorFlow would compute several
        # at the same time, and hold all of them in memory.
        for start, stop in pairwise(bounds):
            sums = self._add(sums, self._placement.deal([array[start:stop] for array in batch]))
        return self._finish(sums, rate)

    def _take_step(self, batch: Any, rate: Any) -> Any:
        self._set_rate(rate)
        if self._scale is None:

            def replica(*part: Any) -> Any:
                return sum_replicas(self._whole(self._learn)(*self._prepare(*part)))

            return self._first(self._run(replica, *batch))

        def measure(*part: Any) -> Any:
            share, gradients = self._whole(self._differentiate)(*self._prepare(*part))
            return sum_replicas(share), gradients

        share, gradients = self._run(measure, *batch)
        self._apply_if_finite(gradients)
        return self._first(share)

    def _add_part(self, sums: Any, batch: Any) -> Any:
        def replica(sums: tuple[Any, ...], *part: Any) -> tuple[Any, ...]:
            prepared = self._prepare(*part)
            weights = prepared[-1]
            weight, count = sum_replicas(tf.reduce_sum(weights)), sum_replicas(count_examples(weights))
            return self._whole(self._add_up)(sums, weight, count, *prepared)  # type: ignore[no-any-return]

        return self._run(replica, sums, *batch)

    def _add_up(self, sums: tuple[Any, ...], weight: Any, count: Any, *prepared: Any) -> tuple[Any, ...]:
        share, gradients = self._differentiate(*prepared)
        news = (weight, share * weight, count, *(gradient * count for gradient in gradients))
        return tuple(old + new for old, new in zip(sums, news, strict=True)) if sums else news

    def _step_on_sums(self, sums: Any, rate: Any) -> Any:
        self._set_rate(rate)

        def replica(sums: tuple[Any, ...]) -> Any:
            weight, total, count, *gradients = sums
            return sum_replicas(total / weight), [gradient / count for gradient in gradients]

        share, gradients = self._run(replica, sums)
        self._apply_if_finite(gradients)
        return self._first(share)

    def _differentiate(self, *prepared: Any) -> tuple[Any, list[Any]]:
        """From a prepared batch to a replica's share of the loss and the gradients of that."""
        factor = None if self._scale is None else tf.convert_to_tensor(self._scale.factor)
        counting = counting_rows(tf.not_equal(prepared[-1], 0)) if self._rows else nullcontext()
        with counting, tf.GradientTape() as tape:
            share = self._loss(*prepared, compiler=self._piece)
            scaled = share if factor is None else share * factor
        gradients = tape.gradient(scaled, [variable.value for variable in self._variables])
        return share, gradients if factor is None else [gradient / factor for gradient in gradients]

    def _learn(self, *prepared: Any) -> Any:
        share, gradients = self._differentiate(*prepared)
        self._apply(gradients)
        return share

    def _apply_if_finite(self, gradients: Any) -> None:
        """Takes the step, on all replicas or on none: there are optimisers with memories, so that gradients
        of zero would be a step too."""

        def apply() -> Any:
            self._run(lambda gradients: self._whole(self._apply)(gradients), gradients)
            return True

        if self._scale is None:
            apply()
            return

        def count_infinite(gradients: Sequence[Any]) -> Any:
            found = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
            return sum_replicas(tf.cast(tf.logical_not(tf.reduce_all(found)), tf.float32))

        finite = tf.equal(self._first(self._run(count_infinite, gradients)), 0.0)
        tf.cond(finite, apply, lambda: False)
        self._scale.update(finite)

    def _apply(self, gradients: Sequence[Any]) -> None:
        taken = 0
        for group in self._groups:
            group.optimiser.apply(gradients[taken : taken + len(group.variables)], group.variables)
            taken += len(group.variables)

    def _set_rate(self, rate: Any) -> None:
        for group in self._groups:
            group.optimiser.learning_rate.assign(rate * group.factor)

    def _run(self, replica: Callable[..., Any], *arguments: Any) -> Any:
        return self._placement.strategy.run(replica, args=arguments)

    def _first(self, values: Any) -> Any:
        """What all replicas have alike."""
        return self._placement.strategy.experimental_local_results(values)[0]
