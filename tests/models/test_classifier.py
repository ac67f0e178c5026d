"""The model of each strategy: its parts, what is frozen in it, and its head."""

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.errors import ModelError
from dlpractice.layers.convnet import build_convnet
from dlpractice.models import classifier as module
from dlpractice.models.classifier import Classifier, Design, build_classifier
from dlpractice.models.weights import LoadedWeights
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.strategies import plan_strategy


def build(backbone: str, strategy: str, **options: Any) -> Classifier:
    row = BACKBONES[backbone]
    plan = plan_strategy(strategy, len(row.blocks), pretrained=True)
    design = Design(**{"weights": None, **options})
    return build_classifier(row, plan, 3, 32, design)


def logits_of(classifier: Classifier) -> keras.Model:
    return keras.Model(classifier.model.input, classifier.logits)


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def mobilenet(images: NDArray[np.float32]) -> Classifier:
    keras.utils.set_random_seed(0)
    net = build("mobilenetv2", "top-block", hidden=(8,), dropout=0.2)
    wake(net, images)
    return net


def wake(net: Classifier, images: NDArray[np.float32]) -> None:
    """Takes batch normalisation's statistics from `images`: without, random weights let activations fade."""
    norms = [layer for layer in net.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    net.model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def test_the_rest_of_the_front_is_the_whole(mobilenet: Classifier, images: NDArray[np.float32]) -> None:
    names = [f"{kind}{number}" for kind in ("block", "pooled") for number in range(1, 6)]
    assert sorted(mobilenet.cuts) == sorted(["images", *names])
    wanted = np.asarray(logits_of(mobilenet)(images))
    assert wanted.std() > 0.01
    for cut in ("images", "block1", "block4", "pooled5"):
        features = mobilenet.front([cut])(images) if cut != "images" else images
        np.testing.assert_allclose(mobilenet.rest(cut)(features), wanted, rtol=1e-5, atol=1e-6)
    shifted = np.exp(wanted - wanted.max(1, keepdims=True))
    np.testing.assert_allclose(
        mobilenet.model(images), shifted / shifted.sum(1, keepdims=True), rtol=1e-5, atol=1e-7
    )


def test_pooled_features_are_means_or_maxima(images: NDArray[np.float32]) -> None:
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        small = build("vgg16", "linear@block2", pooling=pooling)
        features, pooled = small.front(["block2", "pooled2"])(images)
        assert features.shape == (4, 8, 8, 128)
        np.testing.assert_allclose(pooled, reduce(np.asarray(features), axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("cut", ["pooled5", "block4", "images"])
def test_a_step_moves_what_is_behind_the_cut_and_nothing_else(
    mobilenet: Classifier, images: NDArray[np.float32], cut: str
) -> None:
    mobilenet.freeze(cut)
    frozen = mobilenet.front([cut]).variables if cut != "images" else []
    fixed = {id(v) for v in [*frozen, *mobilenet.standardise.variables]}
    before = [(v, v.numpy()) for v in mobilenet.model.variables]
    model = logits_of(mobilenet)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(images, np.array([0, 1, 2, 0]))
    moved = {id(v) for v, value in before if not np.array_equal(v.numpy(), value)}
    assert not moved & fixed
    assert {id(v) for v in mobilenet.head[-1].variables} <= moved
    statistics = [v for v, _ in before if "moving" in v.path and id(v) not in fixed]
    assert {id(v) for v in statistics} <= moved
    assert bool(statistics) == (cut != "pooled5")
    trained = {id(v) for v in mobilenet.rest(cut).trainable_variables}
    assert trained == {id(v) for v in model.trainable_variables} and not trained & fixed


def test_the_whole_net_of_scratch_is_trained_but_its_standardising(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "build_convnet", build_convnet)  # all its stages
    small = build("vgg16", "scratch", width=0.25)
    small.freeze("images")
    assert small.weights == LoadedWeights("random", "")
    assert list(small.cuts) == ["images"]
    frozen = [v for v in small.model.non_trainable_variables if "seed_generator" not in v.path]
    assert frozen and all("moving" in v.path for v in frozen)
    assert any(layer.name == "stage4_conv2" and layer.trainable for layer in small.model.layers)


def test_only_what_was_loaded_counts_as_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = build("vgg16", "linear@block1", hidden=(4,))
    assert not any(fresh.is_pretrained(v) for v in fresh.model.variables)
    monkeypatch.setattr(module, "load_weights", lambda *_: LoadedWeights("a file", "1234"))
    loaded = build("vgg16", "linear@block1", hidden=(4,), weights="imagenet")
    loaded.freeze("images")
    held = [v.path for v in loaded.model.trainable_variables if loaded.is_pretrained(v)]
    assert held == [f"block1_conv{n}/{part}" for n in (1, 2) for part in ("kernel", "bias")]


def test_the_head_starts_the_same_wherever_the_weights_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = []
    for draws in (0, 3):

        def load(*_: object, draws: int = draws) -> LoadedWeights:
            for _ in range(draws):
                keras.layers.Dense(2).build((None, 2))
            return LoadedWeights("somewhere", "")

        monkeypatch.setattr(module, "load_weights", load)
        keras.utils.set_random_seed(5)
        built = build("vgg16", "linear@block1", weights="imagenet", hidden=(4,), dropout=0.5)
        # Dropout's generators among them.
        heads.append([v.numpy() for v in built.model.variables])
    for first, second in zip(*heads, strict=True):
        np.testing.assert_array_equal(first, second)


def test_standardised_features_have_mean_zero_and_variance_one(mobilenet: Classifier) -> None:
    rng = np.random.default_rng(1)
    channels = mobilenet.cuts["pooled5"].shape[1]
    features = (rng.normal(size=(500, channels)) * 3 + rng.normal(size=channels) * 50).astype(np.float32)
    mobilenet.standardise_features([features])
    standard = np.asarray(mobilenet.standardise(features))
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(standard.std(0), 1, rtol=1e-4)


def test_features_may_come_in_parts(mobilenet: Classifier) -> None:
    rng = np.random.default_rng(4)
    channels = mobilenet.cuts["pooled5"].shape[1]
    features = (rng.normal(size=(700, channels)) + np.arange(700)[:, None]).astype(np.float32)
    mobilenet.standardise_features(np.split(features, [1, 300, 301]))
    mean, variance = mobilenet.standardise.get_weights()
    np.testing.assert_allclose(mean, features.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(variance, features.var(axis=0, dtype=np.float64), rtol=1e-6)


def test_a_feature_that_hardly_varies_is_not_blown_up(mobilenet: Classifier) -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, mobilenet.cuts["pooled5"].shape[1])).astype(np.float32)
    features[:, 0] *= 1e-4
    features[:, 1] = 7
    mobilenet.standardise_features([features])
    standard = np.asarray(mobilenet.standardise(features))
    # A hundredth of the mean variance of 1 is the least that counts, a deviation of 0.1.
    np.testing.assert_allclose(standard[:, 0].std(), features[:, 0].std() / 0.1, rtol=0.02)
    np.testing.assert_allclose(standard[:, 1], 0, atol=1e-5)
    mobilenet.standardise_features([np.ones_like(features)])
    assert np.isfinite(mobilenet.standardise(features)).all()


def test_half_precision_features_are_standardised_in_full(mobilenet: Classifier) -> None:
    channels = mobilenet.cuts["pooled5"].shape[1]
    features = np.full((3000, channels), 500, np.float16)
    features[::2] += 1
    mobilenet.standardise_features([features])
    mean, variance = mobilenet.standardise.get_weights()
    np.testing.assert_allclose(mean, 500.5)
    np.testing.assert_allclose(variance, 0.25)


def test_hidden_layers_and_dropout(images: NDArray[np.float32]) -> None:
    net = build("vgg16", "linear@block1", hidden=(6, 5), dropout=0.5)
    assert [layer.name for layer in net.head] == ["hidden1", "hidden2", "logits"]
    assert [layer.units for layer in net.head] == [6, 5, 3]
    rates = [layer.rate for layer in net.model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.5, 0.5, 0.5]
    np.testing.assert_array_equal(net.model(images), net.model(images, training=False))


def test_an_image_too_small_for_the_backbone() -> None:
    with pytest.raises(ModelError, match="must be 71 or more for Xception; got 32"):
        build("xception", "head")
