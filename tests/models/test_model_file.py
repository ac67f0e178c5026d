"""The file of a trained net, and its note."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from dlpractice.errors import PathError, WriteError
from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.models import model_file
from dlpractice.models.model_file import copy_plainly, read_note, write_model


def make_net() -> keras.Model:
    images = keras.Input((4, 4, 2))
    net = keras.Model(images, FusedBatchNormalization(momentum=0.8, name="norm")(images))
    rng = np.random.default_rng(0)
    net.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in net.get_weights()])
    return net


def test_a_copy_has_layers_of_keras_and_the_same_weights() -> None:
    net = make_net()
    twin = copy_plainly(net)
    layer = twin.get_layer("norm")
    assert type(layer) is keras.layers.BatchNormalization and layer.momentum == 0.8
    images = np.random.default_rng(1).normal(size=(3, 4, 4, 2)).astype(np.float32)
    np.testing.assert_array_equal(twin(images), net(images))
    twin.set_weights([0 * weight for weight in twin.get_weights()])
    assert all(weight.all() for weight in net.get_weights())


def test_a_note_stands_beside_what_keras_notes(tmp_path: Path) -> None:
    note = {"class_names": ["Grüße", "\u732b"]}
    write_model(make_net(), note, tmp_path / "model.keras")
    assert read_note(tmp_path / "model.keras") == note
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        assert file.testzip() is None
        assert sorted(file.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert json.loads(file.read("metadata.json"))["keras_version"] == keras.__version__


def test_a_model_that_does_not_fit_is_one_error_and_leaves_nothing(small_disk: Path) -> None:
    big = keras.Sequential([keras.Input((128,)), keras.layers.Dense(128)])
    with pytest.raises(WriteError, match=r"cannot write .*model\.keras: No space left"):
        write_model(big, {}, small_disk / "model.keras")
    assert [path.name for path in small_disk.rglob("*")] == ["filled"]


def test_a_file_of_keras_has_no_note(tmp_path: Path) -> None:
    make_net().save(tmp_path / "model.keras")
    assert read_note(tmp_path / "model.keras") is None


def test_a_note_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(make_net(), {"class_names": ["a" * 2000]}, tmp_path / "model.keras")
    monkeypatch.setattr(model_file, "_MOST_BYTES", 1000)
    with pytest.raises(PathError, match="larger than"):
        read_note(tmp_path / "model.keras")
