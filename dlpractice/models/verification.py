"""Verification: for each pair, is it the same class or not."""

from typing import Any

import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.models.pairs import average, match


def loss(embeddings: Any, labels: Any, similarity: Similarity) -> Any:
    """Koch, Zemel and Salakhutdinov 2015, section 3.2: cross-entropy of the similarity taken for a logit, on
    (B, D) embeddings and (B,) labels.

    Koch's batches hold as many pairs of one class as of two. Here all pairs of the batch count, most of them
    of two classes, so each kind is averaged by itself and makes half of the loss. A kind that the batch does
    not hold adds nothing.
    """
    same, different = match(labels)
    # Symmetric: the mean over both orders of a pair is that over pairs.
    logits = similarity.pairs(embeddings, embeddings)
    return 0.5 * (average(tf.nn.softplus(-logits), same) + average(tf.nn.softplus(logits), different))
