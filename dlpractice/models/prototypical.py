"""Prototypical loss: each example picks its class among the classes' mean embeddings."""

from typing import Any

import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.models.pairs import average


def loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Snell, Swersky and Zemel 2017, arXiv:1703.05175, on (B, D) embeddings and (B,) labels: cross-entropy of
    a softmax over the similarities of an example to the means of all classes.

    The paper divides a batch into support and queries. Here each example is a query in turn, and all others
    are the support: the mean of its own class is taken without it. An example that is alone in its class is
    no query, but its class is there to be told apart.
    """
    _, classes, counts = tf.unique_with_counts(labels)
    members = tf.one_hot(classes, tf.size(counts), on_value=True, off_value=False)
    sums = tf.matmul(tf.cast(members, tf.float32), embeddings, transpose_a=True)
    sizes = tf.cast(counts, tf.float32)[:, None]
    rest_sums = tf.gather(sums, classes) - embeddings
    rest_sizes = tf.gather(sizes, classes) - 1.0
    own = similarity([embeddings, tf.math.divide_no_nan(rest_sums, rest_sizes)])
    scores = tf.where(members, own[:, None], similarity.pairs(embeddings, sums / sizes))
    return average(tf.reduce_logsumexp(scores, axis=1) - own, rest_sizes[:, 0] > 0)
