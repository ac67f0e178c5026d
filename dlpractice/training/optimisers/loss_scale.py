"""The factor on the loss in float16, found while training.

Gradients below 6e-8 vanish in float16, and those above 65,504 are infinite. So the loss is multiplied before
its gradients are taken, and they are divided by the same factor afterwards (Micikevicius et al. 2018,
arXiv:1710.03740). The factor follows the rule of Keras's LossScaleOptimizer; that one wraps a single
optimiser, while here several share a step, which all of them take or none.
"""

from typing import Any

import tensorflow as tf

_FIRST = 2.0**15
_PATIENCE = 2000
"""Steps without an overflow after which a larger factor is tried."""


class LossScale:
    """Halves its factor, down to 1, when a gradient is not finite, and doubles it after 2,000 steps without
    that. To be made in the scope of the strategy."""

    def __init__(self) -> None:
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.factor = tf.Variable(_FIRST, trainable=False, dtype=tf.float32, aggregation=first)
        self._waited = tf.Variable(0, trainable=False, dtype=tf.int32, aggregation=first)

    @property
    def variables(self) -> list[Any]:
        """What a checkpoint keeps."""
        return [self.factor, self._waited]

    def update(self, finite: Any) -> None:
        """Counts a step. finite: whether all values of its gradients were; if not, it was not taken."""
        waited = tf.where(finite, self._waited + 1, 0)
        grows = waited >= _PATIENCE
        lower = tf.maximum(self.factor / 2.0, 1.0)
        higher = tf.where(grows, self.factor * 2.0, self.factor)
        self.factor.assign(tf.where(finite, higher, lower))
        self._waited.assign(tf.where(grows, 0, waited))


def scale_for(precision: str) -> LossScale | None:
    """What the losses of a net are scaled by that computes in `precision`; None if they are not."""
    return LossScale() if precision == "float16" else None
