"""Contrastive loss: pull pairs of one class together, push the others apart, up to a margin."""

from typing import Any

import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.models.pairs import average, match

# Where two embeddings are equal, their distance has no gradient; below its root, none is taken.
_SMALLEST_SQUARE = 1e-12


def loss(embeddings: Any, labels: Any, similarity: Similarity, *, margin: float) -> Any:
    """Hadsell, Chopra and LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping", equation
    4, on (B, D) embeddings and (B,) labels: d^2 / 2 for a pair of one class, max(0, margin - d)^2 / 2 for one
    of two.

    d^2 is minus the similarity, which has to be a NegativeDistance. Over all pairs of the batch, where the
    two kinds make half of the loss each, as in models/verification.py.
    """
    same, different = match(labels)
    squares = -similarity.pairs(embeddings, embeddings)
    distances = tf.sqrt(tf.maximum(squares, _SMALLEST_SQUARE))
    shortfalls = tf.square(tf.maximum(margin - distances, 0.0))
    return 0.25 * (average(squares, same) + average(shortfalls, different))
