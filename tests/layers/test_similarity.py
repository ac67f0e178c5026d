"""The three similarities against loops over rows and dimensions."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.layers.similarity import Cosine, NegativeDistance, Similarity, WeightedDistance
from dlpractice.models.precision import computing_in

Vector = NDArray[np.float64]


def make_weighted() -> WeightedDistance:
    layer = WeightedDistance()
    layer.build([(None, 5), (None, 5)])
    layer.set_weights([np.array([1.0, 2.0, 0.5, -1.0, 3.0]), np.array(0.25)])
    return layer


def score_weighted(a: Vector, b: Vector) -> float:
    weights = np.array([1.0, 2.0, 0.5, -1.0, 3.0]) / 5**0.5
    return float(0.25 - sum(w * abs(x - y) for w, x, y in zip(weights, a, b, strict=True)))


def score_cosine(a: Vector, b: Vector) -> float:
    return float(4 * a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def score_distance(a: Vector, b: Vector) -> float:
    return -float(((a - b) ** 2).sum())


def score_unit_distance(a: Vector, b: Vector) -> float:
    return score_distance(a / np.linalg.norm(a), b / np.linalg.norm(b))


CASES = [
    (make_weighted, score_weighted),
    (lambda: Cosine(4.0), score_cosine),
    (NegativeDistance, score_distance),
    (lambda: NegativeDistance(unit=True), score_unit_distance),
]
each = pytest.mark.parametrize(("make", "score"), CASES, ids=["weighted", "cosine", "distance", "unit"])
Make = Callable[[], Similarity]
Score = Callable[[Vector, Vector], float]


@each
def test_rows_and_pairs_are_those_of_a_loop(make: Make, score: Score) -> None:
    rng = np.random.default_rng(0)
    queries, supports, layer = rng.normal(size=(7, 5)), rng.normal(size=(4, 5)), make()
    wanted = [[score(query, support) for support in supports] for query in queries]
    np.testing.assert_allclose(layer.pairs(queries, supports), wanted, rtol=1e-5, atol=1e-6)
    rows = layer([queries[:4].astype(np.float32), supports.astype(np.float32)])
    np.testing.assert_allclose(rows, np.diag(wanted[:4]), rtol=1e-5, atol=1e-6)


@each
def test_compiled_pairs_are_pairs_whatever_the_shapes(make: Make, score: Score) -> None:
    rng, layer = np.random.default_rng(0), make()
    for count in (3, 5, 2):
        queries, supports = (rng.normal(size=(rows, 5)).astype(np.float32) for rows in (7, count))
        scores = layer.compare(queries, supports)
        np.testing.assert_allclose(scores, layer.pairs(queries, supports), rtol=1e-5, atol=1e-6)
    assert "compiled" not in str(layer.get_config())


@each
def test_the_order_of_the_two_does_not_matter(make: Make, score: Score) -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
    layer = make()
    np.testing.assert_array_equal(layer([first, second]), layer([second, first]))
    np.testing.assert_allclose(
        layer.pairs(first, second), np.transpose(layer.pairs(second, first)), rtol=1e-5
    )


@each
def test_nothing_is_more_alike_than_twins(make: Make, score: Score) -> None:
    if score is score_weighted:
        make = WeightedDistance  # as it starts, with positive weights
    embeddings = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    layer = make()
    twins = np.asarray(layer([embeddings, embeddings]))
    scores = np.asarray(layer.pairs(embeddings, embeddings))
    np.testing.assert_allclose(np.diag(scores), twins, atol=1e-6)
    assert (scores <= twins[:, None] + 1e-6).all()


@each
def test_it_is_saved_and_loaded_inside_a_model(make: Make, score: Score, tmp_path: Path) -> None:
    inputs = [keras.Input((5,)), keras.Input((5,))]
    layer = make()
    model = keras.Model(inputs, layer(inputs))
    assert model.output.shape == (None,)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    first, second = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
    np.testing.assert_array_equal(loaded([first, second]), model([first, second]))
    np.testing.assert_array_equal(loaded.layers[-1].pairs(first, second), layer.pairs(first, second))


@each
def test_half_precision_around_it_changes_nothing(make: Make, score: Score) -> None:
    inputs = [keras.Input((5,)), keras.Input((5,))]
    model = keras.Model(inputs, make()(inputs))
    first, second = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
    exact = np.asarray(model([first, second]))
    with computing_in(model, "bfloat16"):
        scores = model([first, second])
        assert scores.dtype == "float32"
        np.testing.assert_array_equal(scores, exact)


def test_the_gradient_of_all_weighted_distances_is_that_of_a_broadcast() -> None:
    rng = np.random.default_rng(0)
    queries, supports = (tf.constant(rng.normal(size=(n, 5)), tf.float32) for n in (7, 4))
    upstream, layer = rng.normal(size=(7, 4)), make_weighted()
    gradients = []
    for naive in (False, True):
        with tf.GradientTape() as tape:
            tape.watch([queries, supports])
            if naive:
                differences = tf.abs(queries[:, None] - supports[None])
                scores = layer.bias.value - tf.reduce_sum(differences * layer.kernel.value, -1) / 5**0.5
            else:
                scores = layer.pairs(queries, supports)
            loss = tf.reduce_sum(scores * upstream)
        gradients.append(tape.gradient(loss, [queries, supports, layer.kernel.value, layer.bias.value]))
    for ours, wanted in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)


def test_the_gradient_for_a_batch_with_itself_counts_both_sides() -> None:
    embeddings = tf.constant(np.random.default_rng(0).normal(size=(6, 5)), tf.float32)
    layer = make_weighted()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(embeddings)
        fast = tf.reduce_sum(tf.sin(layer.pairs(embeddings, embeddings)))
        rows = [tf.repeat(embeddings, 6, axis=0), tf.tile(embeddings, (6, 1))]
        slow = tf.reduce_sum(tf.sin(layer(rows)))
    np.testing.assert_allclose(
        tape.gradient(fast, embeddings), tape.gradient(slow, embeddings), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("dimensions", [64, 4096])
def test_the_first_logits_are_near_zero_for_any_length(dimensions: int) -> None:
    embeddings = np.maximum(np.random.default_rng(0).normal(size=(20, dimensions)), 0)
    scores = np.asarray(WeightedDistance()([embeddings[:10], embeddings[10:]]))
    assert np.abs(scores).max() < 1.5


@pytest.mark.parametrize("layer", [Cosine(10.0), NegativeDistance(unit=True)])
def test_an_embedding_of_zeros_has_finite_gradients(layer: Similarity) -> None:
    embeddings = tf.zeros((3, 5))
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        loss = tf.reduce_sum(layer.pairs(embeddings, embeddings))
    assert np.isfinite(tape.gradient(loss, embeddings)).all()


def test_embeddings_of_unknown_length_are_refused() -> None:
    with pytest.raises(ValueError, match="length of an embedding"):
        WeightedDistance().build([(None, None), (None, None)])
