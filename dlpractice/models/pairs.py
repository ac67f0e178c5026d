"""Which pairs of a batch are of one class, and means over them."""

from typing import Any

import tensorflow as tf


def match(labels: Any) -> tuple[Any, Any]:
    """(B,) labels -> same, different: (B, B) bool each. No example is paired with itself: the diagonal is
    False in both."""
    equal = labels[:, None] == labels[None, :]
    return tf.linalg.set_diag(equal, tf.zeros_like(labels, tf.bool)), tf.logical_not(equal)


def average(values: Any, mask: Any, axis: int | None = None) -> Any:
    """The mean of `values` where `mask` is True, 0 where it is True nowhere."""
    count = tf.math.count_nonzero(mask, axis=axis, dtype=tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(mask, values, 0.0), axis=axis), count)
