"""Every row of the table: its shape, its size counted by hand, and what its pixels become."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlpractice.errors import ModelError
from dlpractice.layers.preprocessing import rescale
from dlpractice.layers.similarity import WeightedDistance
from dlpractice.models.encoders import build_encoder
from dlpractice.models.precision import computing_in
from dlpractice.models.weights import load_weights
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS


def make_images(size: int, channels: int, count: int = 2) -> tf.Tensor:
    rng = np.random.default_rng(0)
    return tf.constant(rng.uniform(0, 255, (count, size, size, channels)), tf.float32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ENCODERS)
def test_pixels_become_embeddings(name: str, channels: int) -> None:
    size = ENCODERS[name].image_size
    model = build_encoder(name, image_size=size, channels=channels, width=0.125)
    assert model.name == "encoder"
    assert model.input.shape == (None, size, size, channels)
    embeddings = model(make_images(size, channels))
    assert embeddings.dtype == "float32"
    assert len(embeddings.shape) == 2
    assert np.isfinite(embeddings).all() and np.std(embeddings) > 0
    projected = build_encoder(name, image_size=size, channels=channels, width=0.125, dimensions=7)
    assert projected(make_images(size, channels)).shape == (2, 7)
    assert isinstance(projected.get_layer("embedding"), keras.layers.Dense)


@pytest.mark.parametrize(("name", "size"), [("conv4", 16), ("residual", 8), ("dense", 8)])
def test_the_smallest_images_are_taken(name: str, size: int) -> None:
    assert ENCODERS[name].sizes[0] == size
    model = build_encoder(name, image_size=size, channels=1, width=0.125)
    assert model(make_images(size, 1)).shape[0] == 2


@pytest.fixture(scope="module")
def koch() -> keras.Model:
    return build_encoder("koch", image_size=105, channels=1)


def test_koch_s_net_has_the_parameters_of_the_paper(koch: keras.Model) -> None:
    similarity = WeightedDistance()
    similarity.build([koch.output.shape] * 2)
    convolutions = 10 * 10 * 64 + 64 + 7 * 7 * 64 * 128 + 128 + 4 * 4 * 128 * (128 + 256) + 128 + 256
    by_hand = convolutions + 6 * 6 * 256 * 4096 + 4096 + 4096 + 1
    assert koch.count_params() + similarity.count_params() == by_hand == 38_951_745


def test_koch_s_net_starts_as_in_the_paper(koch: keras.Model) -> None:
    drawn = [layer for layer in koch.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    assert len(drawn) == 5
    for layer in drawn:
        kernel, bias = (np.asarray(weight) for weight in layer.get_weights())
        deviation = 0.2 if isinstance(layer, keras.layers.Dense) else 0.01
        assert kernel.std() == pytest.approx(deviation, rel=0.05)
        assert abs(kernel.mean()) < 0.1 * deviation
        assert bias.mean() == pytest.approx(0.5, abs=0.005)
        assert bias.std() == pytest.approx(0.01, rel=0.3)
    embeddings = np.asarray(koch(make_images(105, 1)))
    assert embeddings.min() >= 0 and embeddings.max() <= 1


def test_conv4_has_the_size_counted_by_hand() -> None:
    model = build_encoder("conv4", image_size=28, channels=1)
    assert model.output.shape == (None, 64)
    assert model.count_params() == 9 * 64 + 3 * 9 * 64 * 64 + 4 * 4 * 64
    assert build_encoder("conv4", image_size=84, channels=3).output.shape == (None, 1600)


def test_the_residual_net_is_its_stem_and_three_stages() -> None:
    model = build_encoder("residual", image_size=56, channels=1)
    assert model.output.shape == (None, 7 * 7 * 128)
    stem = 5 * 5 * 32
    blocks = sum(2 * 9 * c * c + 2 * 4 * c for c in (32, 64, 128))
    widening = sum(a * b + 4 * a for a, b in ((32, 64), (64, 128)))
    assert model.count_params() == stem + blocks + widening + 4 * 128
    sides = [layer.output.shape[1] for layer in model.layers if layer.name.endswith("add")]
    assert sides == [28, 14, 7]


def test_the_fully_connected_net_has_no_convolution() -> None:
    model = build_encoder("dense", image_size=20, channels=1)
    assert model.count_params() == 400 * 512 + 512 + 512 * 256 + 256


def test_grey_becomes_ink_and_colour_is_centred(tmp_path: Path) -> None:
    grey = np.array([0, 51, 255], np.float32).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(np.ravel(rescale(grey)), [1, 0.8, 0], atol=1e-6)
    colour = np.array([0, 127.5, 255], np.float32).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(np.ravel(rescale(colour)), [-1, 0, 1], atol=1e-6)


@pytest.mark.parametrize("name", ["conv4", "residual", "dense"])
def test_blank_paper_is_nothing_at_all(name: str) -> None:
    size = ENCODERS[name].image_size
    model = build_encoder(name, image_size=size, channels=1, width=0.125)
    np.testing.assert_array_equal(model(np.full((1, size, size, 1), 255, np.float32)), 0)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    model = build_encoder("conv4", image_size=28, channels=1, width=0.125, dimensions=5)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    images = make_images(28, 1)
    np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.parametrize("name", ["conv4", "vgg16"])
def test_pixels_stay_in_full_precision_and_convolutions_do_not(name: str) -> None:
    model = build_encoder(name, image_size=32, channels=1, dimensions=7)
    with computing_in(model, "bfloat16"):
        kept = {layer.name for layer in model.layers if layer.compute_dtype == "float32"}
        assert kept & {"standardise_pixels", "standardise_grey"}
        kinds = {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
        assert kinds == {"bfloat16"}


@pytest.mark.parametrize("name", ["koch", "dense"])
def test_dense_layers_stay_in_full_precision(name: str) -> None:
    model = build_encoder(name, image_size=ENCODERS[name].image_size, channels=1, width=0.125)
    with computing_in(model, "bfloat16"):
        kinds = {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Dense)}
        assert kinds == {"float32"}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_backbone_sees_what_it_was_trained_on(channels: int) -> None:
    model = build_encoder("mobilenetv2", image_size=32, channels=channels)
    assert model.output.shape == (None, 1280)
    images = make_images(32, channels)
    inner = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    inner.set_weights(model.get_weights())
    colour = images if channels == 3 else tf.repeat(images, 3, axis=-1)
    wanted = np.asarray(inner(colour / 127.5 - 1)).mean(axis=(1, 2))
    np.testing.assert_allclose(model(images), wanted, rtol=1e-4, atol=1e-6)


def test_weights_are_put_into_a_backbone(tmp_path: Path) -> None:
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    source.save_weights(tmp_path / "base.weights.h5")
    model = build_encoder(
        "mobilenetv2", image_size=32, channels=3, dimensions=4, weights=str(tmp_path / "base.weights.h5")
    )
    for ours, theirs in zip(model.get_weights(), source.get_weights(), strict=False):
        np.testing.assert_array_equal(ours, theirs)
    assert load_weights(source, BACKBONES["mobilenetv2"], None).origin == "random"


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"name": "conv5"}, "'conv5'", "koch, conv4, residual, dense"),
        ({"name": "koch", "image_size": 28}, "exactly 105 pixels a side; got 28", "105"),
        ({"name": "conv4", "image_size": 15}, "16 to 512 pixels a side; got 15", "28"),
        ({"name": "vgg16", "image_size": 31}, "32 or more for VGG16; got 31", "224"),
        ({"name": "vgg16", "width": 2.0}, "width of vgg16 is fixed; got 2", "width at 1"),
        ({"name": "residual", "weights": "imagenet"}, "no pretrained weights; got 'imagenet'", "vgg16"),
    ],
)
def test_what_does_not_fit_is_an_error(options: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        build_encoder(**{"image_size": 32, "channels": 1, **options})
    assert hint in caught.value.hint
