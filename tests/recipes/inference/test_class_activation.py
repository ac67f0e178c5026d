"""Class activation: its mean over the places is the logit, and nets without it are told apart."""

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.models.classifier import Design, build_classifier
from dlpractice.recipes.inference.class_activation import find_activation
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import plan_strategy


def build(**design: object) -> keras.Model:
    """A `scratch` net whose features are standardised by numbers that are none of the usual."""
    plan = plan_strategy("scratch", 5, pretrained=False)
    built = build_classifier(BACKBONES["vgg16"], plan, 3, 32, Design(None, width=0.25, **design))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    size = built.standardise.moving_mean.shape[0]
    built.standardise.set_weights([rng.normal(size=size), rng.uniform(0.5, 2, size)])
    return built.model


def test_the_mean_over_the_places_is_the_logit() -> None:
    model = build(dropout=0.5)
    activate = find_activation(model)
    assert activate is not None
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    maps = [activate(pixels, label) for label in range(3)]
    assert maps[0].ndim == 2 and maps[0].size > 1
    logits = keras.Model(model.input, model.get_layer("logits").output)(pixels[None].astype("float32"))
    np.testing.assert_allclose([found.mean() for found in maps], np.asarray(logits)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("design", [{"pooling": "max"}, {"hidden": (4,)}], ids=str)
def test_nets_with_another_head_have_none(design: dict[str, object]) -> None:
    assert find_activation(build(**design)) is None


def test_a_net_of_another_kind_has_none() -> None:
    images = keras.Input((8, 8, 3))
    assert find_activation(keras.Model(images, layers.Dense(2)(layers.Flatten()(images)))) is None
