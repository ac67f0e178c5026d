"""The loss against a loop over anchors, positives and others."""

import math

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.layers.similarity import Cosine
from dlpractice.registry.objectives import supcon_loss as loss


def loop(embeddings: NDArray[np.float64], labels: list[int], temperature: float) -> float:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    terms = []
    for i, label in enumerate(labels):
        others = [j for j in range(len(labels)) if j != i]
        positives = [j for j in others if labels[j] == label]
        total = sum(math.exp(unit[i] @ unit[j] / temperature) for j in others)
        if positives:
            shares = [math.exp(unit[i] @ unit[j] / temperature) / total for j in positives]
            terms.append(-sum(math.log(share) for share in shares) / len(positives))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [5, 5, 5, 1, 1, 7], [2, 2, 0, 3, 4, 5]])
def test_it_is_the_mean_of_a_loop(labels: list[int], temperature: float) -> None:
    embeddings = np.random.default_rng(0).normal(size=(6, 4))
    ours = loss(tf.constant(embeddings, tf.float32), tf.constant(labels), Cosine(1 / temperature))
    assert float(ours) == pytest.approx(loop(embeddings, labels, temperature), rel=1e-5)


def test_without_any_likeness_it_is_the_logarithm_of_the_others() -> None:
    embeddings = tf.eye(6)
    assert float(loss(embeddings, tf.constant([0, 0, 1, 1, 2, 2]), Cosine(3.0))) == pytest.approx(math.log(5))
