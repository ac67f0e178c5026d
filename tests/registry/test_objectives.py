"""What every row of the table must do."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlpractice.errors import ModelError
from dlpractice.layers.similarity import Similarity
from dlpractice.registry.objectives import OBJECTIVES, SETTINGS, Objective, find_objective

LABELS = {
    "even": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    "with-single-examples": [4, 4, 4, 4, 9, 1, 1, 1, 6],
    "one-class": [3] * 9,
    "no-class-twice": list(range(9)),
}


DEFAULTS = {name: setting.default for name, setting in SETTINGS.items()}


@pytest.fixture(params=OBJECTIVES)
def objective(request: Any) -> Objective:
    return OBJECTIVES[request.param]


def loss_settings(objective: Objective) -> dict[str, float]:
    return {name: DEFAULTS[name] for name in objective.loss_settings}


def build(objective: Objective, dimensions: int = 6) -> Similarity:
    similarity = objective.build_similarity(DEFAULTS)
    similarity.build([(None, dimensions), (None, dimensions)])
    return similarity


@cache  # compiled once for all tests
def make_step(name: str) -> Any:
    """From embeddings and labels to the loss and its gradients."""
    objective = OBJECTIVES[name]
    similarity = build(objective)

    @tf.function
    def step(inputs: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = objective.loss(inputs, labels, similarity, **loss_settings(objective))
        sources = [inputs, *(variable.value for variable in similarity.trainable_variables)]
        zero = tf.UnconnectedGradients.ZERO
        return loss, tape.gradient(loss, sources, unconnected_gradients=zero)

    return step


def differentiate(objective: Objective, embeddings: Any, labels: list[int]) -> tuple[float, list[Any]]:
    step = make_step(next(name for name, row in OBJECTIVES.items() if row is objective))
    loss, gradients = step(tf.constant(embeddings, tf.float32), tf.constant(labels))
    assert loss.shape == ()
    return float(loss), gradients


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("spread", [0.0, 1.0, 100.0])
def test_loss_and_gradients_are_finite(objective: Objective, labels: list[int], spread: float) -> None:
    embeddings = spread * np.random.default_rng(0).normal(size=(9, 6))
    loss, gradients = differentiate(objective, embeddings, labels)
    assert np.isfinite(loss) and loss >= 0
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("labels", [LABELS["even"], LABELS["with-single-examples"]])
def test_the_order_of_the_batch_does_not_matter(objective: Objective, labels: list[int]) -> None:
    rng = np.random.default_rng(0)
    embeddings, order = rng.normal(size=(9, 6)), rng.permutation(9)
    loss, gradients = differentiate(objective, embeddings, labels)
    turned_loss, turned = differentiate(objective, embeddings[order], [labels[k] for k in order])
    assert turned_loss == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(turned[0], np.asarray(gradients[0])[order], rtol=1e-3, atol=1e-5)


def test_the_names_of_the_classes_do_not_matter(objective: Objective) -> None:
    embeddings = np.random.default_rng(0).normal(size=(9, 6))
    loss, _ = differentiate(objective, embeddings, LABELS["even"])
    renamed, _ = differentiate(objective, embeddings, [70, 70, 70, -1, -1, -1, 5, 5, 5])
    assert renamed == pytest.approx(loss, rel=1e-6)


def test_descent_brings_a_class_together(objective: Objective) -> None:
    labels = LABELS["even"]
    similarity = build(objective)
    embeddings = keras.Variable(np.random.default_rng(0).normal(size=(9, 6)), dtype="float32")
    optimiser = keras.optimizers.Adam(0.05)
    optimiser.build([embeddings])

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            inputs = tf.convert_to_tensor(embeddings)
            loss = objective.loss(inputs, tf.constant(labels), similarity, **loss_settings(objective))
        optimiser.apply([tape.gradient(loss, embeddings.value)], [embeddings])
        return loss

    losses = [float(step()) for _ in range(100)]
    assert losses[-1] < 0.5 * losses[0]
    scores = np.array(similarity.pairs(embeddings.value, embeddings.value))
    np.fill_diagonal(scores, -np.inf)
    assert [labels[k] for k in scores.argmax(1)] == labels


def test_a_row_is_complete(objective: Objective) -> None:
    assert objective.about and objective.short and objective.paper
    assert set(objective.settings) <= set(SETTINGS)


def test_a_setting_names_the_objectives_that_take_it() -> None:
    assert {"contrastive", "triplet"} <= {
        name for name, row in OBJECTIVES.items() if "margin" in row.settings
    }
    for name, setting in SETTINGS.items():
        words = setting.describe(name).replace(",", "").split()
        assert {word for word in words if word in OBJECTIVES} == {
            key for key, row in OBJECTIVES.items() if name in row.settings
        }


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    assert find_objective("triplet") is OBJECTIVES["triplet"]
    with pytest.raises(ModelError, match="'tripel'") as caught:
        find_objective("tripel")
    assert "contrastive, triplet" in caught.value.hint
