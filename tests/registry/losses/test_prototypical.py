"""The loss against a loop over queries and classes."""

import math

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.layers.similarity import Cosine, NegativeDistance, WeightedDistance
from dlpractice.registry.objectives import prototypical_loss as loss


def loop(embeddings: NDArray[np.float64], labels: list[int]) -> float:
    terms = []
    for query, label in enumerate(labels):
        scores = {}
        for other in set(labels):
            members = [k for k, found in enumerate(labels) if found == other and k != query]
            if members:
                scores[other] = -((embeddings[query] - embeddings[members].mean(0)) ** 2).sum()
        if label in scores:
            total = sum(math.exp(score) for score in scores.values())
            terms.append(-math.log(math.exp(scores[label]) / total))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [5, 5, 5, 1, 1, 7], [2, 2, 0, 3, 4, 5]])
def test_it_is_the_mean_of_a_loop(labels: list[int]) -> None:
    embeddings = np.random.default_rng(0).normal(size=(6, 4))
    ours = loss(tf.constant(embeddings, tf.float32), tf.constant(labels), NegativeDistance())
    assert float(ours) == pytest.approx(loop(embeddings, labels), rel=1e-5)


def test_a_query_is_not_in_its_own_mean() -> None:
    # Without it, the mean of the class of the one at 9 is 0; with it, 3.
    embeddings = tf.constant([[0.0], [0.0], [9.0], [11.0], [11.0]])
    value = float(loss(embeddings, tf.constant([0, 0, 0, 1, 1]), NegativeDistance()))
    assert value == pytest.approx((9**2 - 2**2) / 5)


@pytest.mark.parametrize("similarity", [Cosine(5.0), WeightedDistance()])
def test_any_similarity_can_be_its_score(similarity: Cosine | WeightedDistance) -> None:
    embeddings = np.repeat(np.eye(4, dtype=np.float32) * 20, 2, axis=0)
    labels = np.repeat(np.arange(4), 2)
    right = float(loss(tf.constant(embeddings), tf.constant(labels), similarity))
    wrong = float(loss(tf.constant(embeddings), tf.constant(np.roll(labels, 1)), similarity))
    assert right < 0.1 < 1 < wrong
