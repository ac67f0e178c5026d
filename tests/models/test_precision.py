"""Which layers compute in half precision, and that variables and head never do."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from dlpractice.models.classifier import Classifier, Design, build_classifier
from dlpractice.models.encoders import build_encoder
from dlpractice.models.precision import computing_in, set_precision
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import plan_strategy

FLOAT32_LAYERS = {
    *("standardise_pixels", "pooled2", "standardise"),
    *("dropout1", "hidden1", "dropout", "logits", "probabilities"),
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """A ConvNeXt up to its second block, with nested models and layer scales."""
    return build_classifier(
        BACKBONES["convnexttiny"],
        plan_strategy("linear@block2", 4, pretrained=False),
        2,
        32,
        Design(weights=None, hidden=(4,), dropout=0.1),
    )


def walk(model: keras.Model) -> Iterator[keras.layers.Layer]:
    passive = (keras.Model, keras.layers.InputLayer)
    return (layer for layer in model._flatten_layers() if not isinstance(layer, passive))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_the_base_computes_in_half_precision_and_nothing_else_does(
    classifier: Classifier, precision: str
) -> None:
    with computing_in(classifier.model, precision):
        policies = {layer.name: layer.compute_dtype for layer in walk(classifier.model)}
        kept = {name for name, dtype in policies.items() if dtype == "float32"}
        assert kept == FLOAT32_LAYERS
        assert {dtype for name, dtype in policies.items() if name not in kept} <= {precision}
        assert {variable.dtype for variable in classifier.model.trainable_variables} == {"float32"}
        assert classifier.model(np.zeros((1, 32, 32, 3), np.float32)).dtype == "float32"


def test_it_is_undone_even_after_an_error(classifier: Classifier) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    before = np.asarray(classifier.model(images))
    with pytest.raises(RuntimeError), computing_in(classifier.model, "bfloat16"):
        raise RuntimeError
    assert {layer.compute_dtype for layer in walk(classifier.model)} == {"float32"}
    np.testing.assert_array_equal(classifier.model(images), before)


def test_half_precision_is_near_and_not_the_same(classifier: Classifier) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    front = classifier.front(["block2"])
    exact = np.asarray(front(images))
    set_precision(classifier.model, "bfloat16")
    rounded = np.asarray(front(images)).astype(np.float32)
    set_precision(classifier.model, "float32")
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=0.05 * np.abs(exact).max())


@pytest.mark.parametrize("dimensions", [None, 7])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_embeddings_stay_in_float32(precision: str, dimensions: int | None) -> None:
    encoder = build_encoder("conv4", image_size=16, channels=1, width=0.1, dimensions=dimensions)
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 1)).astype(np.float32)
    with computing_in(encoder, precision):
        dtypes = {layer.name: layer.compute_dtype for layer in walk(encoder)}
        assert dtypes["embedding"] == "float32"
        assert dtypes["conv1"] == precision
        assert encoder(images).dtype == "float32"
