"""Preprocessing against what `keras.applications` itself does."""

import sys
from typing import Any, get_args

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.layers.preprocessing import Scaling, preprocess, rescale
from dlpractice.registry.backbones import BACKBONES

INSIDE_THE_MODEL = [name for name, row in BACKBONES.items() if row.brings_preprocessing]
BESIDE_THE_MODEL = [
    name for name, row in BACKBONES.items() if name not in INSIDE_THE_MODEL and row.build is None
]


@pytest.fixture
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("name", BESIDE_THE_MODEL)
def test_it_is_the_preprocessing_of_the_application(name: str, images: NDArray[np.float32]) -> None:
    application = getattr(keras.applications, BACKBONES[name].application)
    wanted = sys.modules[application.__module__].preprocess_input(images.copy())
    np.testing.assert_allclose(preprocess(images, BACKBONES[name].scaling), wanted, atol=1e-5)


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
    np.testing.assert_allclose(preprocess(images, row.scaling), wanted, atol=1e-5)


def test_efficientnet_lite_sees_pixels_less_127_over_128(images: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(preprocess(images, "lite"), (images - 127) / 128, atol=1e-6)


def test_vgg_sees_whole_numbers_without_any_rounding(images: NDArray[np.float32]) -> None:
    found = np.asarray(preprocess(images, "caffe"))
    np.testing.assert_array_equal(found, images[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32))


def test_unchanged_leaves_images_as_they_are(images: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(preprocess(images, "unchanged"), images)


def test_half_precision_does_not_reach_the_pixels() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        images = keras.Input((8, 8, 3), dtype="float32")
        ends = [preprocess(images, scaling) for scaling in get_args(Scaling)]
        ends += [rescale(keras.Input((8, 8, channels), dtype="float32")) for channels in (1, 3)]
    finally:
        keras.config.set_dtype_policy("float32")
    assert {end.dtype for end in ends} == {"float32"}
