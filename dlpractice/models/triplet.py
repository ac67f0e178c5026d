"""Triplet loss: an example is nearer to one of its class than to one of another, by a margin."""

from typing import Any

import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.models.pairs import average, match


def loss(embeddings: Any, labels: Any, similarity: Similarity, *, margin: float) -> Any:
    """Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832, section 3.2, on (B, D) embeddings and (B,)
    labels: the mean of max(0, d_ap - d_an + margin) over all ordered pairs of an anchor and a positive, where
    d is minus the similarity.

    Each pair has one negative, the semi-hard one: the nearest that is farther than the positive. (The paper
    wants it within the margin; beyond it, the loss is zero anyway.) Where every negative is nearer than the
    positive, it is the farthest, since the hardest ones let embeddings collapse early in training. Pairs for
    which the batch has no negative are left out.
    """
    same, different = match(labels)
    distances = -similarity.pairs(embeddings, embeddings)
    negatives = tf.argsort(tf.where(different, distances, distances.dtype.max), axis=1)
    negative_distances = tf.gather(distances, negatives, batch_dims=1)
    count = tf.math.count_nonzero(different, axis=1, keepdims=True, dtype=tf.int32)
    # Behind its negatives, a row holds no order.
    beyond = tf.range(tf.shape(labels)[0])[None, :] >= count
    ordered = tf.where(beyond, distances.dtype.max, negative_distances)
    next_farther = tf.searchsorted(tf.stop_gradient(ordered), tf.stop_gradient(distances), side="right")
    chosen = tf.clip_by_value(next_farther, 0, tf.maximum(count - 1, 0))
    farther = tf.gather(negative_distances, chosen, batch_dims=1)
    return average(tf.maximum(distances - farther + margin, 0.0), same & (count > 0))
