"""The loss against a loop over anchors, positives and negatives."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.layers.similarity import NegativeDistance
from dlpractice.registry.objectives import triplet_loss as loss


def loop(embeddings: NDArray[np.float64], labels: list[int], margin: float) -> float:
    squares = ((embeddings[:, None] - embeddings[None]) ** 2).sum(-1)
    terms = []
    for anchor, label in enumerate(labels):
        negatives = [squares[anchor, k] for k, other in enumerate(labels) if other != label]
        for positive, other in enumerate(labels):
            if positive == anchor or other != label or not negatives:
                continue
            distance = squares[anchor, positive]
            farther = [negative for negative in negatives if negative > distance]
            chosen = min(farther) if farther else max(negatives)
            terms.append(max(0.0, distance - chosen + margin))
    return float(np.mean(terms))


@pytest.mark.parametrize("margin", [0.2, 2.0])
@pytest.mark.parametrize(
    "labels", [[0, 0, 1, 1, 2, 2, 3, 3], [5, 5, 5, 5, 1, 1, 7, 7], [2, 2, 0, 3, 4, 5, 5, 5]]
)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_mean_of_a_loop(labels: list[int], margin: float, seed: int) -> None:
    embeddings = np.random.default_rng(seed).normal(size=(8, 3))
    ours = loss(tf.constant(embeddings, tf.float32), tf.constant(labels), NegativeDistance(), margin=margin)
    assert float(ours) == pytest.approx(loop(embeddings, labels, margin), rel=1e-4)


def test_the_nearest_negative_beyond_the_positive_is_taken() -> None:
    # From 0, the positive lies at 4; of the negatives at 1, 9 and 16, the one at 9 is semi-hard.
    embeddings = tf.constant([[0.0], [2.0], [-1.0], [-3.0], [-4.0]])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        value = loss(embeddings, tf.constant([0, 0, 1, 2, 3]), NegativeDistance(), margin=6.0)
    # The anchor at 2 has negatives at 9, 25 and 36, of which the one at 9 is semi-hard.
    assert float(value) == pytest.approx(((4 - 9 + 6) + (4 - 9 + 6)) / 2)
    assert float(tape.gradient(value, embeddings)[4, 0]) == 0


def test_without_a_farther_negative_the_farthest_is_taken() -> None:
    embeddings = tf.constant([[0.0], [3.0], [1.0], [2.0]])
    value = loss(embeddings, tf.constant([0, 0, 1, 2]), NegativeDistance(), margin=0.5)
    assert float(value) == pytest.approx(9 - 4 + 0.5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_without_triplets_there_is_no_loss(labels: list[int]) -> None:
    assert float(loss(tf.eye(3), tf.constant(labels), NegativeDistance(), margin=1.0)) == 0
