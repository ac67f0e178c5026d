"""The parts that objectives are made of: masks of pairs, means over them, and similarities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlpractice.layers.similarity import Similarity


def match(labels: Any) -> tuple[Any, Any]:
    """Two masks over the pairs of a batch: which are of the same class, and which of different ones.

    labels: (B,).

    Returns same and different, (B, B) bool each. The diagonal is False in both, since no example is paired
    with itself.
    """
    import tensorflow as tf

    equal = labels[:, None] == labels[None, :]
    return tf.linalg.set_diag(equal, tf.zeros_like(labels, tf.bool)), tf.logical_not(equal)


def average(values: Any, mask: Any, axis: int | None = None) -> Any:
    """The mean of `values` over the places where `mask` is True; 0 where it is True nowhere."""
    import tensorflow as tf

    count = tf.math.count_nonzero(mask, axis=axis, dtype=tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.where(mask, values, 0.0), axis=axis), count)


def weigh_differences(settings: Mapping[str, float]) -> Similarity:
    """A learnt logit: a bias minus the weighted sum of the absolute differences of two embeddings."""
    from dlpractice.layers.similarity import WeightedDistance

    return WeightedDistance(name="similarity")


def measure_distance(settings: Mapping[str, float]) -> Similarity:
    """Minus the squared distance of two embeddings."""
    from dlpractice.layers.similarity import NegativeDistance

    return NegativeDistance(name="similarity")


def measure_unit_distance(settings: Mapping[str, float]) -> Similarity:
    """Minus the squared distance on the unit sphere, so that one margin suits every number of dimensions."""
    from dlpractice.layers.similarity import NegativeDistance

    return NegativeDistance(unit=True, name="similarity")


def measure_angle(settings: Mapping[str, float]) -> Similarity:
    """The cosine of the angle between two embeddings, divided by the temperature."""
    from dlpractice.layers.similarity import Cosine

    return Cosine(1.0 / settings["temperature"], name="similarity")
