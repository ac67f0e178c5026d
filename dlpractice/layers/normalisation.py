"""Batch normalisation that trains at the speed of its kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras

_counted: ContextVar[Any] = ContextVar("counted", default=None)


@contextmanager
def counting_rows(rows: Any) -> Iterator[None]:
    """Inside the block, batches are normalised by the statistics of some of their rows.

    rows: (n,) bool, true for those that count; the others only fill up a batch. At least one counts.
    """
    token = _counted.set(rows)
    try:
        yield
    finally:
        _counted.reset(token)


@keras.saving.register_keras_serializable(package="dlpractice")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer (Ioffe and Szegedy 2015, arXiv:1502.03167), trained by TensorFlow's fused kernel.

    In training, Keras 3 composes this layer of some ten elementwise operations, which on a CPU take almost as
    long as the convolutions between them. Variables, arithmetic, inference and exports are the same as with
    Keras's own layer.

    Over several replicas the layer takes the statistics of the whole batch, so that a step gives what it
    gives on one device. Rows that do not count (`counting_rows`) have no part in them. Under JAX and PyTorch,
    on which nets are only benchmarked, it does what Keras's layer does.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        several = context is not None and context.num_replicas_in_sync > 1
        if several or _counted.get() is not None:
            outputs, mean, variance = self._normalise_together(inputs, context if several else None)
        else:
            outputs, mean, variance = self._normalise(inputs)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs

    def _normalise(self, inputs: Any) -> tuple[Any, Any, Any]:
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel gives the unbiased variance; Keras keeps the biased one, which divides by the count.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
        return outputs, mean, variance * (count - 1.0) / count

    def _normalise_together(self, inputs: Any, context: Any) -> tuple[Any, Any, Any]:
        """Normalises by the mean and variance of the rows that count, those of all replicas together.

        The variance takes a second pass: the mean of squares minus the square of the mean would lose digits.

        Args:
            context: the replica's, by which it meets the others; None if it is the only one.
        """
        import tensorflow as tf

        values = tf.cast(inputs, tf.float32)

        def add_up(part: Any) -> Any:
            return part if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, part)

        rows = _counted.get()

        def total(values: Any) -> Any:
            if rows is not None:
                values = tf.where(rows[:, None, None, None], values, 0.0)
            return add_up(tf.reduce_sum(values, axis=(0, 1, 2)))

        examples = tf.shape(values)[0] if rows is None else tf.math.count_nonzero(rows, dtype=tf.int32)
        count = add_up(tf.cast(examples * tf.reduce_prod(tf.shape(values)[1:3]), tf.float32))
        mean = total(values) / count
        variance = total(tf.square(values - mean)) / count
        scale = tf.cast(self.gamma, tf.float32) * tf.math.rsqrt(variance + self.epsilon)
        outputs = (values - mean) * scale + tf.cast(self.beta, tf.float32)
        return tf.cast(outputs, inputs.dtype), mean, variance
