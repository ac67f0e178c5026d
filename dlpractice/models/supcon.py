"""Supervised contrastive loss: each example picks those of its class out of all others of the batch."""

from typing import Any

import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.models.pairs import average, match


def loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Khosla et al. 2020, arXiv:2004.11362, equation 2 (L_out), on (B, D) embeddings and (B,) labels.

    For each example the mean, over the others of its class, of the cross-entropy of a softmax over all
    others; then the mean over examples. Examples whose class has no other one are left out of that mean, but
    the rest are told apart from them. The temperature is in the similarity: `Cosine(1 / temperature)`.
    """
    same, _ = match(labels)
    scores = similarity.pairs(embeddings, embeddings)
    others = tf.linalg.set_diag(scores, tf.fill(tf.shape(labels), scores.dtype.min))
    log_shares = scores - tf.reduce_logsumexp(others, axis=1, keepdims=True)
    return average(-average(log_shares, same, axis=1), tf.reduce_any(same, axis=1))
