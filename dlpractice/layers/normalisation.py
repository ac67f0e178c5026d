"""Batch normalisation that trains at the speed of its kernel."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="dlpractice")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer (Ioffe and Szegedy 2015, arXiv:1502.03167), trained by TensorFlow's fused kernel.

    In training, Keras 3 composes this layer of some ten elementwise operations, which on a CPU take almost as
    long as the convolutions between them. Variables, arithmetic, inference and exports are the same as with
    Keras's own layer.

    Over several replicas the layer takes the statistics of the whole batch, so that a step gives what it
    gives on one device. Under JAX and PyTorch, on which nets are only benchmarked, it does what Keras's layer
    does.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            outputs, mean, variance = self._normalise_together(inputs, context)
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
        """Normalises by the mean and variance of the whole batch, the parts of all replicas together.

        The variance takes a second pass: the mean of squares minus the square of the mean would lose digits.
        """
        import tensorflow as tf

        values = tf.cast(inputs, tf.float32)

        def add_up(part: Any) -> Any:
            return context.all_reduce(tf.distribute.ReduceOp.SUM, part)

        count = add_up(tf.cast(tf.reduce_prod(tf.shape(values)[:3]), tf.float32))
        mean = add_up(tf.reduce_sum(values, axis=(0, 1, 2))) / count
        variance = add_up(tf.reduce_sum(tf.square(values - mean), axis=(0, 1, 2))) / count
        scale = tf.cast(self.gamma, tf.float32) * tf.math.rsqrt(variance + self.epsilon)
        outputs = (values - mean) * scale + tf.cast(self.beta, tf.float32)
        return tf.cast(outputs, inputs.dtype), mean, variance
