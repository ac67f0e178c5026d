"""A Siamese net from its parts, and back."""

from pathlib import Path

import keras
import numpy as np
import pytest

from dlpractice.models.precision import computing_in
from dlpractice.models.siamese import Siamese, Verdict, build_siamese, take_apart
from dlpractice.registry.objectives import OBJECTIVES

SETTINGS = {"temperature": 0.1, "margin": 1.0}
RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.uniform(0, 255, (2, 5, 8, 8, 1)).astype(np.float32)


def make_siamese(name: str = "supcon", verdict: Verdict | None = None) -> Siamese:
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    encoder = keras.Model(images, keras.layers.Dense(6, name="embedding")(x), name="encoder")
    similarity = OBJECTIVES[name].build_similarity(SETTINGS)
    return build_siamese(encoder, similarity, verdict or Verdict(slope=0.5, intercept=0.25))


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_verdict_is_a_logistic_curve_over_the_similarity(name: str) -> None:
    siamese = make_siamese(name)
    one, other = (np.asarray(siamese.encoder(images)) for images in (FIRST, SECOND))
    similarities = np.diag(np.asarray(siamese.similarity.pairs(one, other)))
    found = np.asarray(siamese.model([FIRST, SECOND]))
    assert found.shape == (5,)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-0.5 * similarities - 0.25)), rtol=1e-4)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_swapping_the_images_changes_nothing(name: str) -> None:
    siamese = make_siamese(name)
    np.testing.assert_allclose(
        siamese.model([FIRST, SECOND]), siamese.model([SECOND, FIRST]), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_saved_model_loads_in_safe_mode_with_all_it_knows(name: str, tmp_path: Path) -> None:
    verdict = Verdict(
        slope=-1.5,
        intercept=0.3,
        threshold=2.5,
        false_accept_rate=0.02,
        side=105,
        resize="pad",
        background="#000000",
    )
    siamese = make_siamese(name, verdict)
    siamese.model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(model([FIRST, SECOND]), siamese.model([FIRST, SECOND]))
    parts = take_apart(model)
    assert parts is not None
    assert vars_of(parts.verdict) == vars_of(verdict) == (-1.5, 0.3, 2.5, 0.02, 105, "pad", "#000000")
    np.testing.assert_array_equal(parts.encoder(FIRST), siamese.encoder(FIRST))
    embeddings = np.asarray(parts.encoder(FIRST))
    np.testing.assert_array_equal(
        parts.similarity.pairs(embeddings, embeddings), siamese.similarity.pairs(embeddings, embeddings)
    )


def vars_of(verdict: Verdict) -> tuple[object, ...]:
    names = ("slope", "intercept", "threshold", "false_accept_rate", "side", "resize", "background")
    return tuple(getattr(verdict, name) for name in names)


def test_another_verdict_shares_the_weights_of_the_first() -> None:
    first = make_siamese()
    second = build_siamese(first.encoder, first.similarity, Verdict(slope=2.0))
    first.encoder.get_layer("embedding").kernel.assign(np.ones((64, 6)))
    np.testing.assert_array_equal(second.model.get_weights()[0], first.model.get_weights()[0], strict=True)
    assert len(second.model.trainable_variables) == 2


def test_a_model_of_another_kind_is_no_siamese_net() -> None:
    siamese = make_siamese()
    assert take_apart(siamese.encoder) is None
    inputs = keras.Input((4,))
    assert take_apart(keras.Model(inputs, keras.layers.Dense(2)(inputs))) is None


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_verdict_is_as_sharp_in_half_precision(precision: str) -> None:
    # Similarities near 40 differ by less than half precision can tell.
    verdict = Verdict(slope=200.0, intercept=-8000.0)
    similarities = np.array([39.99, 40.0, 40.01], np.float32)
    siamese = make_siamese(verdict=verdict)
    with computing_in(siamese.model, precision):
        assert verdict.compute_dtype == siamese.similarity.compute_dtype == "float32"
        found = np.asarray(verdict(similarities))
    np.testing.assert_allclose(found, 1 / (1 + np.exp([2.0, 0.0, -2.0])), atol=1e-2)
