"""Nets of the user's own: the same numbers as the net itself gives at every cut, and files that are none."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.errors import ModelError
from dlpractice.models.classifier import Design, build_classifier
from dlpractice.models.own_net import describe_own
from dlpractice.registry.strategies import plan_strategy

SIDE = 16
PIXELS = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)


def build_net(*, inner: bool = True, side: int | None = None) -> keras.Model:
    """A residual net whose layers are called as those of classifiers here, with a net inside of it."""
    images = keras.Input((side, side, 3), name="images")
    x = layers.Rescaling(1 / 255, name="standardise_pixels")(images)
    x = first = layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="one")(x)
    x = layers.BatchNormalization(name="pooled1")(x)
    x = layers.Add(name="sum")([x, first]) + 1.0
    if inner:
        inputs = keras.Input((None, None, 4))
        y = layers.Conv2D(5, 3, 2, padding="same", activation="relu", name="two")(inputs)
        x = keras.Model(inputs, layers.Conv2D(5, 1, name="three")(y), name="inner")(x)
    x = layers.Conv2D(6, 3, 2, padding="same", name="four")(x)
    x = layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pooled")(x))
    net = keras.Model(images, layers.Softmax(name="probabilities")(x))
    rng = np.random.default_rng(1)
    net.set_weights([rng.uniform(0.1, 0.5, weight.shape) for weight in net.get_weights()])
    return net


@pytest.fixture(scope="module")
def net() -> keras.Model:
    return build_net()


@pytest.fixture(scope="module")
def file(net: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("own") / "mine.keras"
    net.save(path)
    return str(path)


def classify(place: str, strategy: str, *cuts: str, weights: str | None = "imagenet") -> Any:
    row = describe_own(place, cuts, "unchanged", SIDE, pretrained=weights is not None)
    plan = plan_strategy(strategy, len(row.blocks), pretrained=weights is not None)
    return row, build_classifier(row, plan, 2, SIDE, Design(weights=weights))


def test_blocks_that_are_found_are_the_last_layers_at_each_size(file: str, net: keras.Model) -> None:
    row, classifier = classify(file, "head")
    assert row.blocks == ("sum", "three", "four")
    until_four = keras.Model(net.input, net.get_layer("four").output)
    np.testing.assert_allclose(classifier.front(["block3"])(PIXELS), until_four(PIXELS), rtol=1e-5)


@pytest.mark.parametrize("cut", ["one", "sum", "four", "pooled", "logits"])
def test_a_named_cut_gives_what_the_net_gives_there(file: str, net: keras.Model, cut: str) -> None:
    _, classifier = classify(file, "head", cut)
    found = classifier.front(["block1"])(PIXELS)
    wanted = keras.Model(net.input, net.get_layer(cut).output)(PIXELS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    pooled = classifier.front(["pooled1"])(PIXELS)
    axes = tuple(range(1, wanted.ndim - 1))
    np.testing.assert_allclose(pooled, np.mean(wanted, axis=axes) if axes else wanted, rtol=1e-4)
    assert len(classifier.weights.digest) == 64 and classifier.weights.origin == "the file mine.keras"


@pytest.mark.parametrize("strategy", ["head", "top-block", "full", "linear@block1"])
def test_every_strategy_trains_what_lies_behind_its_cut(file: str, strategy: str) -> None:
    _, classifier = classify(file, strategy)
    plan = plan_strategy(strategy, 3, pretrained=True)
    classifier.freeze(plan.stages[-1].cut)
    trained = {variable.path.partition("/")[0] for variable in classifier.model.trainable_variables}
    wanted = {
        "head": {"logits"},
        "linear@block1": {"logits"},
        "top-block": {"four_own", "logits"},
        "full": {"one_own", "pooled1_own", "two_own", "three_own", "four_own", "logits"},
    }
    assert trained == wanted[strategy]
    rest = classifier.rest(plan.stages[-1].cut)
    front = classifier.front([plan.stages[-1].cut])(PIXELS) if plan.stages[-1].cut != "images" else PIXELS
    logits = keras.Model(classifier.model.input, classifier.logits)(PIXELS)
    np.testing.assert_allclose(rest(front), logits, rtol=1e-4, atol=1e-5)


def test_the_saved_classifier_loads_in_plain_keras(file: str, tmp_path: Path) -> None:
    _, classifier = classify(file, "head")
    classifier.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(loaded(PIXELS), classifier.model(PIXELS), rtol=1e-6)


def test_without_weights_the_net_starts_anew(file: str) -> None:
    _, taken = classify(file, "full")
    _, fresh = classify(file, "full", weights=None)
    assert fresh.weights.origin == "random"
    assert fresh.weights.digest != taken.weights.digest


def test_a_sequential_net_of_one_size_is_a_net_too(tmp_path: Path) -> None:
    made = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3, 2), layers.Conv2D(5, 3, 2)])
    made.save(tmp_path / "row.keras")
    _, classifier = classify(str(tmp_path / "row.keras"), "head")
    np.testing.assert_allclose(classifier.front(["block2"])(PIXELS), made(PIXELS), rtol=1e-4, atol=1e-3)
    with pytest.raises(ModelError, match=r"row\.keras: the net takes images of 16 x 16 pixels; got 32") as e:
        describe_own(str(tmp_path / "row.keras"), (), "unchanged", 32, pretrained=True)
    assert e.value.hint == "set data.image_size to 16"


def test_tokens_are_cut_at_four_places_and_averaged(tmp_path: Path) -> None:
    images = keras.Input((SIDE, SIDE, 3))
    x = layers.Reshape((16, 4))(layers.Conv2D(4, 4, 4)(images))
    for number in range(8):
        x = layers.Dense(4, name=f"dense{number}")(x)
    made = keras.Model(images, x)
    made.save(tmp_path / "tokens.keras")
    row, classifier = classify(str(tmp_path / "tokens.keras"), "head")
    assert row.blocks == ("dense0", "dense2", "dense5", "dense7")
    pooled = classifier.front([f"pooled{len(row.blocks)}"])(PIXELS)
    np.testing.assert_allclose(pooled, np.mean(made(PIXELS), axis=1), rtol=1e-3, atol=1e-3)


def save_two_inputs(path: Path) -> None:
    a, b = keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))
    keras.Model([a, b], layers.Conv2D(2, 3)(layers.Add()([a, b]))).save(path)


def save_grey(path: Path) -> None:
    images = keras.Input((SIDE, SIDE, 1))
    keras.Model(images, layers.Conv2D(2, 3)(images)).save(path)


def save_vector(path: Path) -> None:
    images = keras.Input((SIDE, SIDE, 3))
    keras.Model(images, layers.Dense(2)(layers.Flatten()(images))).save(path)


def save_code(path: Path) -> None:
    images = keras.Input((SIDE, SIDE, 3))
    keras.Model(images, layers.Conv2D(2, 3)(layers.Lambda(lambda x: x * 2)(images))).save(path)


def save_text(path: Path) -> None:
    path.write_text("no net")


def save_other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("config.json", json.dumps({}))


@pytest.mark.parametrize(
    ("save", "said"),
    [
        (save_two_inputs, "the net has 2 inputs, and images are one"),
        (save_grey, r"the net takes \(None, 16, 16, 1\), not colour images"),
        (save_vector, "no layer gives a feature map"),
        (save_code, r"it holds code \(a Lambda layer\), and code in a file is never run"),
        (save_text, "no net that Keras has saved: it is no intact zip file"),
        (save_other_zip, r"no net that Keras has saved: it has no entry model\.weights\.h5"),
    ],
)
def test_files_that_are_no_such_nets(tmp_path: Path, save: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "bad.keras"
    save(path)
    with pytest.raises(ModelError, match=said) as caught:
        describe_own(str(path), (), "unchanged", SIDE, pretrained=True)
    assert str(path) in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("cuts", "said", "hint"),
    [
        (("for",), "has no layer 'for'", "four"),
        (("four", "one"), "in the order of the net, each once", "one, four"),
        (("one", "one"), "in the order of the net, each once", "write one"),
    ],
)
def test_cuts_that_are_none(file: str, cuts: tuple[str, ...], said: str, hint: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        describe_own(file, cuts, "unchanged", SIDE, pretrained=True)
    assert hint in caught.value.hint


def test_a_cut_that_a_connection_leads_past(file: str) -> None:
    _, classifier = classify(file, "top-block", "pooled1", "four")
    with pytest.raises(ModelError, match="the net cannot be trained from block1 on"):
        classifier.rest("block1")
    assert classifier.front(["pooled1"])


def test_a_file_that_is_not_there_and_weights_that_are_not_its_own(file: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no file or folder .*absent\.keras"):
        describe_own(str(tmp_path / "absent.keras"), (), "unchanged", SIDE, pretrained=True)
    with pytest.raises(ModelError, match=r"model\.weights is other\.h5, and the file mine\.keras has"):
        classify(file, "head", weights="other.h5")
