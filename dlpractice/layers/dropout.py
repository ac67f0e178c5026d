"""Dropout that draws the same masks however a step is compiled."""

from typing import Any

import keras

_PHILOX = 1  # TensorFlow's number of the algorithm
_SCRAMBLING_KEY = 0x02461E293EC8F720  # as in TensorFlow's own kernels of stateless random numbers


@keras.saving.register_keras_serializable(package="dlpractice")
class PhiloxDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras's layer (Srivastava et al. 2014), whose masks come from the Philox generator in any case.

    Keras leaves the choice of the generator to TensorFlow, which takes Philox (Salmon et al. 2011) in its own
    kernels, and another one in code that XLA compiles for a CPU. Here, it is Philox in both, with the numbers
    that the kernels give. Rates, seeds, inference and exports are those of Keras's layer. Under JAX and
    PyTorch, on which nets are only benchmarked, it is that layer.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not (training and 0 < self.rate < 1 and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training)
        import tensorflow as tf

        # The seed as Keras makes it of the generator's state.
        seed = tf.math.floormod(self.seed_generator.next(), tf.int32.max - 1)
        kept = _draw_uniform(tf.shape(inputs), tf.cast(seed, tf.uint64)) >= self.rate
        return tf.where(kept, inputs * (1.0 / (1.0 - self.rate)), tf.zeros_like(inputs))


def _draw_uniform(shape: Any, seed: Any) -> Any:
    """Float32 in [0, 1) of `shape`, those of `tf.random.stateless_uniform` on a CPU without XLA.

    XLA makes another key of a seed than the kernels do, and takes other bits of a word for a number; words of
    the same key are the same in both. So the key is made here, by Philox from the seed, and so are numbers.

    Args:
        seed: (2,) uint64.
    """
    import tensorflow as tf

    def draw(size: Any, key: Any, counter: Any) -> Any:
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=size, key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
        )

    words = draw([4], tf.constant([_SCRAMBLING_KEY], tf.uint64), seed)
    low, high = (tf.cast(half, tf.uint64) for half in (words[0::2], words[1::2]))
    key, counter = tf.split(low + tf.bitwise.left_shift(high, tf.constant(32, tf.uint64)), 2)
    bits = draw(shape, key, tf.concat([tf.zeros_like(counter), counter], axis=0))
    # The lowest 23 bits are the fraction of a float in [1, 2).
    fraction = tf.bitwise.bitwise_and(bits, tf.constant(0x7FFFFF, tf.uint32))
    return tf.bitcast(tf.bitwise.bitwise_or(fraction, tf.constant(0x3F800000, tf.uint32)), tf.float32) - 1.0
