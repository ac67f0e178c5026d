"""The loss against a loop over unordered pairs."""

from itertools import combinations

import numpy as np
import pytest
import tensorflow as tf

from dlpractice.layers.similarity import NegativeDistance
from dlpractice.registry.objectives import contrastive_loss as loss


@pytest.mark.parametrize("margin", [0.5, 3.0])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [5, 5, 5, 1, 1, 7], [2, 2, 0, 3, 4, 5]])
def test_each_kind_of_pair_is_half_of_it(labels: list[int], margin: float) -> None:
    embeddings = np.random.default_rng(0).normal(size=(6, 4))
    same, different = [], []
    for i, j in combinations(range(6), 2):
        distance = np.linalg.norm(embeddings[i] - embeddings[j])
        if labels[i] == labels[j]:
            same.append(distance**2 / 2)
        else:
            different.append(max(0.0, margin - distance) ** 2 / 2)
    wanted = (np.mean(same) + np.mean(different)) / 2
    ours = loss(tf.constant(embeddings, tf.float32), tf.constant(labels), NegativeDistance(), margin=margin)
    assert float(ours) == pytest.approx(wanted, rel=1e-5)


def test_beyond_the_margin_nothing_is_pushed() -> None:
    embeddings = tf.constant([[0.0], [0.0], [2.0], [5.0]])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        value = loss(embeddings, tf.constant([0, 0, 1, 2]), NegativeDistance(), margin=3.0)
    gradient = np.asarray(tape.gradient(value, embeddings))[:, 0]
    assert gradient[3] == 0
    assert gradient[2] < 0 < gradient[0]
