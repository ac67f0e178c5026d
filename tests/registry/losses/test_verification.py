"""The loss against a loop over unordered pairs."""

import math
from itertools import combinations

import numpy as np
import pytest
import tensorflow as tf

from dlpractice.layers.similarity import WeightedDistance
from dlpractice.registry.objectives import verification_loss as loss


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [5, 5, 5, 1, 1, 7], [2, 2, 0, 3, 4, 5]])
def test_each_kind_of_pair_is_half_of_it(labels: list[int]) -> None:
    embeddings = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    similarity = WeightedDistance()
    same, different = [], []
    for i, j in combinations(range(6), 2):
        probability = 1 / (
            1 + math.exp(-float(similarity([embeddings[i : i + 1], embeddings[j : j + 1]])[0]))
        )
        if labels[i] == labels[j]:
            same.append(-math.log(probability))
        else:
            different.append(-math.log(1 - probability))
    wanted = (np.mean(same) + np.mean(different)) / 2
    ours = loss(tf.constant(embeddings), tf.constant(labels), similarity)
    assert float(ours) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_kind_that_is_not_there_adds_nothing(labels: list[int]) -> None:
    similarity = WeightedDistance()
    embeddings = tf.zeros((3, 4))
    logit = float(similarity([embeddings, embeddings])[0])
    sign = -1 if labels[1] == 0 else 1
    wanted = 0.5 * math.log1p(math.exp(sign * logit))
    assert float(loss(embeddings, tf.constant(labels), similarity)) == pytest.approx(wanted, rel=1e-5)
