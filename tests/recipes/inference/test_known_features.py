"""Features that training has kept answer for the run's own images, and for nothing else."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray
from PIL import Image

from dlpractice.config.load import load_config
from dlpractice.recipes.evaluate import labelled_images
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.inference.known_features import find_known
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier, load_classifier
from dlpractice.recipes.run.saved_model import load_saved
from dlpractice.runs.directory import RunDirectory

SETTINGS = ("data.image_size=16", "model.preprocessing=unit", "training.epochs=1")
PLAIN = ("hardware.precision=float32", "hardware.compile=false", "training.head_epochs=1")


@pytest.fixture(scope="module")
def train(
    tiny_data: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Trains a strategy on a small net with batch normalisation, which is another layer in the saved file."""
    folder = tmp_path_factory.mktemp("known")
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, 2, use_bias=False)(images)
    x = layers.ReLU(name="one")(layers.BatchNormalization()(x))
    keras.Model(images, layers.Conv2D(6, 3, 2, activation="relu", name="two")(x)).save(folder / "net.keras")

    def run(strategy: str) -> Path:
        own = (f"data.source={tiny_data}", f"model.backbone={folder / 'net.keras'}", f"strategy={strategy}")
        config: Any = load_config("digits", (*own, *SETTINGS, *PLAIN))
        with RunDirectory.create(folder / strategy) as directory:
            finetune.run(config, directory)
        return folder / strategy

    return run


def refuse(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    raise AssertionError("the whole net was asked")


def answer(classifier: TrainedClassifier, path: Path) -> NDArray[np.float32]:
    return np.array([row for _, row in classifier.classify([str(path)])])


@pytest.mark.parametrize("strategy", ["head", "top-block"])
def test_the_images_of_a_run_take_only_the_rest_of_the_net(
    strategy: str,
    train: Callable[[str], Path],
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = train(strategy)
    classifier = load_classifier(folder)
    expected = answer(replace(classifier, known=None), tiny_data)
    remembering = replace(classifier, infer=refuse)
    kept = answer(remembering, tiny_data)
    np.testing.assert_allclose(kept, expected, atol=2e-3)  # kept in float16
    found = labelled_images.run(remembering, str(tiny_data)).document["accuracy"]
    labels = np.repeat([0, 1], 40)
    assert found["value"] == pytest.approx((kept.argmax(axis=1) == labels).mean())
    # Under another name it is the same image; where its bytes have changed it is another, in its old place.
    shutil.copytree(tiny_data, tmp_path / "data")
    Image.open(tiny_data / "cold/03.png").rotate(180).save(tmp_path / "data/warm/07.png")
    changed = answer(classifier, tmp_path / "data")
    fresh = answer(replace(classifier, known=None), tmp_path / "data")
    np.testing.assert_allclose(changed, fresh, atol=2e-3)
    np.testing.assert_allclose(changed[47], fresh[47], atol=1e-4)  # batches of other sizes round otherwise
    with pytest.raises(AssertionError, match="whole net"):
        answer(remembering, tmp_path / "data")
    # Another net than the summary's, other weights, another precision, and a cache that holds nothing.
    saved = load_saved(RunDirectory.read(folder))
    saved.model.set_weights([weights + 1 for weights in saved.model.get_weights()])
    assert find_known(saved, RunDirectory.read(folder)) is None
    for file, change in (
        ("summary.json", lambda kept: kept["features"].update(weights="0" * 64)),
        ("environment.json", lambda kept: kept.update(precision="bfloat16")),
    ):
        shutil.copytree(folder, tmp_path / file)
        document = json.loads((folder / file).read_text())
        change(document)
        (tmp_path / file / file).write_text(json.dumps(document))
        assert load_classifier(tmp_path / file).known is None
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "empty"))
    assert load_classifier(folder).known is None
    assert not (tmp_path / "empty").exists()


def test_a_run_that_trained_on_pixels_has_none(finished_run: Path) -> None:
    assert load_classifier(finished_run).known is None
