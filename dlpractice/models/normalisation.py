"""Batch normalisation that trains at the speed of its kernel."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="dlpractice")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer (Ioffe and Szegedy 2015, arXiv:1502.03167), trained by TensorFlow's fused kernel.

    Keras 3 composes a training step of it from some ten elementwise operations, which on a CPU take almost
    as long as the convolutions between them. Variables, arithmetic, inference and exports are Keras's own.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel gives the unbiased variance; Keras keeps the other one.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
        variance *= (count - 1.0) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs
