"""Preprocessing against what `keras.applications` itself does, and the layers as parts of a saved model."""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.layers.preprocessing import ImageInput, Preprocess, Probabilities
from dlpractice.registry.backbones import BACKBONES

INSIDE_THE_MODEL = [name for name, row in BACKBONES.items() if row.brings_preprocessing]
BESIDE_THE_MODEL = [name for name in BACKBONES if name not in INSIDE_THE_MODEL]


@pytest.fixture
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("name", BESIDE_THE_MODEL)
def test_it_is_the_preprocessing_of_the_application(name: str, images: NDArray[np.float32]) -> None:
    application = getattr(keras.applications, BACKBONES[name].application)
    wanted = sys.modules[application.__module__].preprocess_input(images.copy())
    np.testing.assert_allclose(Preprocess(BACKBONES[name].scaling)(images), wanted, atol=1e-5)


@pytest.mark.parametrize("name", INSIDE_THE_MODEL)
def test_it_is_the_preprocessing_inside_the_application(name: str, images: NDArray[np.float32]) -> None:
    row = BACKBONES[name]
    whole = getattr(keras.applications, row.application)(
        include_top=False, weights=None, input_shape=(32, 32, 3), include_preprocessing=True
    )
    wanted: Any = images
    first, *layers = whole.layers
    assert isinstance(first, keras.layers.InputLayer)
    steps = [layer for layer in layers if type(layer).__name__ in ("Rescaling", "Normalization")]
    assert steps and steps == layers[: len(steps)]
    for step in steps:
        wanted = step(wanted)
    np.testing.assert_allclose(Preprocess(row.scaling)(images), wanted, atol=1e-5)


def test_none_leaves_images_as_they_are(images: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(Preprocess("none")(images), images)


def test_an_image_of_the_right_size_is_not_touched(images: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(ImageInput(32, "crop", "#ffffff")(images), images)


def test_an_image_of_another_size_is_fitted() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[None, None, :, None], (1, 8, 8, 3))
    halved = np.asarray(ImageInput(4, "stretch", "#ffffff")(ramp))
    assert halved.shape == (1, 4, 4, 3)
    np.testing.assert_allclose(halved[0, 0, :, 0], [0.5, 2.5, 4.5, 6.5])


def test_probabilities_are_a_softmax() -> None:
    logits = np.array([[0.0, np.log(3.0)], [1000.0, 0.0]], np.float32)
    np.testing.assert_allclose(Probabilities(("cat", "dog"))(logits), [[0.25, 0.75], [1, 0]], atol=1e-6)


def test_a_saved_model_keeps_the_notes(tmp_path: Path, images: NDArray[np.float32]) -> None:
    inputs = keras.Input((None, None, 3))
    x = Preprocess("caffe", name="scaled")(ImageInput(16, "pad", "#102030")(inputs))
    model = keras.Model(inputs, Probabilities(("a", "b", "c"))(keras.layers.GlobalAveragePooling2D()(x)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    fitted, scaled, named = (again.layers[index] for index in (1, 2, -1))
    assert (fitted.image_size, fitted.resize, fitted.background) == (16, "pad", "#102030")
    assert (scaled.scaling, scaled.name) == ("caffe", "scaled")
    assert named.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(again(images), model(images))


def test_shapes_are_known_before_any_image_comes() -> None:
    x = Preprocess("tf")(ImageInput(24, "stretch", "#ffffff")(keras.Input((None, None, 3))))
    assert x.shape == (None, 24, 24, 3)


def test_half_precision_does_not_reach_the_pixels() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layers = [ImageInput(8, "crop", "#ffffff"), Preprocess("tf"), Probabilities(("a", "b"))]
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in layers} == {"float32"}
