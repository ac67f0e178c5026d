"""Runs on a net of the user's own: trained, gone on with, used without its file."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.config.load import load_config
from dlpractice.config.schema import Finetune
from dlpractice.errors import RunError
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.runs.directory import RunDirectory

SETTINGS = (
    "data.image_size=16",
    "model.preprocessing=unit",
    "training.epochs=2",
    "hardware.precision=float32",
    "hardware.compile=false",
)


def save_net(file: Path, seed: int) -> Path:
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, 2, activation="relu", name="one")(images)
    net = keras.Model(images, layers.Conv2D(6, 3, 2, activation="relu", name="two")(x))
    rng = np.random.default_rng(seed)
    net.set_weights([rng.normal(0, 0.3, weight.shape) for weight in net.get_weights()])
    net.save(file)
    return file


@pytest.fixture
def make_config(tiny_data: Path, shared_cache: Path, tmp_path: Path) -> Callable[..., Finetune]:
    def make(file: Path, *more: str) -> Finetune:
        overrides = (f"data.source={tiny_data}", f"model.backbone={file}", *SETTINGS, "strategy=head", *more)
        config = load_config("digits", overrides)
        assert isinstance(config, Finetune)
        return config

    return make


def train(config: Finetune, folder: Path) -> RunDirectory:
    with RunDirectory.resume_or_create(folder) as run:
        finetune.run(config, run)
    return RunDirectory.read(folder)


def test_a_run_is_trained_and_its_model_needs_the_file_no_more(
    make_config: Callable[..., Finetune], tmp_path: Path
) -> None:
    file = save_net(tmp_path / "mine.keras", 0)
    run = train(make_config(file), tmp_path / "run")
    weights = run.environment()["weights"]
    assert weights["origin"] == "the file mine.keras" and len(weights["digest"]) == 64
    first = {row["path"]: row["confidence"] for row in run.predictions()}
    other = train(make_config(save_net(file, 1)), tmp_path / "other")
    assert other.environment()["weights"]["digest"] != weights["digest"]
    assert {row["path"]: row["confidence"] for row in other.predictions()} != first
    file.unlink()
    saved = load_saved(run)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    assert saved.forward()(pixels).shape == (2, len(saved.class_names))


def test_a_run_does_not_go_on_with_another_net(make_config: Callable[..., Finetune], tmp_path: Path) -> None:
    file = save_net(tmp_path / "mine.keras", 0)
    config = make_config(file)
    run = train(config, tmp_path / "run")
    (run.path / "summary.json").unlink()
    save_net(file, 1)
    with pytest.raises(RunError, match="was started from other pretrained weights"):
        train(config, run.path)
    save_net(file, 0)
    train(config, run.path)
