"""Exports of tiny runs, each made once, and a tiny net with the layers of all others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.data.files.decoding import Look
from dlpractice.layers.preprocessing import preprocess
from dlpractice.recipes.export import export
from dlpractice.recipes.export.writers import FORMATS, Source
from dlpractice.recipes.run.model_note import ClassifierNote, describe_input
from dlpractice.runs.directory import RunDirectory

NAMES = {"onnx": "net.onnx", "litert": "net.tflite", "savedmodel": "net", "keras": "net.keras"}
Exported = dict[str, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="session")
def exported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The finished run in each format, and what was found."""
    folder, run = tmp_path_factory.mktemp("exported"), RunDirectory.read(finished_run)
    return {
        kind: (folder / name, export.run(run, kind, output=folder / name)) for kind, name in NAMES.items()
    }


@pytest.fixture
def copying(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converters cost nothing: what they write was converted before."""
    for kind, row in FORMATS.items():

        def write(source: Source, path: Path, quantize: str | None, kind: str = kind) -> None:
            path.write_bytes(exported[kind][0].read_bytes())

        if row.ending:
            monkeypatch.setitem(FORMATS, kind, replace(row, write=write))


@pytest.fixture(scope="session")
def tiny_source() -> Source:
    """What stands in front of VGG16, and a layer of each kind that the backbones and encoders have."""
    images = keras.Input((12, 12, 3), name="images")
    features = preprocess(images, "caffe")
    features = layers.Conv2D(8, 3, padding="same", activation="relu")(features)
    features = layers.MaxPooling2D()(features)
    inner = layers.ReLU(6)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(features)))
    features = layers.Dropout(0.5)(layers.Add()([features, inner]))
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    keras.utils.set_random_seed(0)
    model = keras.Model(images, layers.Dense(3, activation="softmax", name="probabilities")(pooled))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.02, weights.shape) ** 2 for weights in model.get_weights()])
    note = ClassifierNote(input=describe_input(Look(12), 12, "colour"), class_names=("a", "b", "c"))
    return Source(model, note, note.class_names, rng.integers(0, 256, (8, 12, 12, 3), np.uint8))


@pytest.fixture(scope="session")
def exported_encoder(
    finished_oneshot_run: Path, support: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """The finished one-shot run, with the classes of `support`, in a format."""
    folder, made = tmp_path_factory.mktemp("encoders"), {}

    def make(kind: str) -> tuple[Path, dict[str, Any]]:
        if kind not in made:
            path = folder / NAMES[kind]
            run = RunDirectory.read(finished_oneshot_run)
            made[kind] = path, export.run(run, kind, output=path, support=support)
        return made[kind]

    return make


@pytest.fixture(scope="session")
def support(tiny_alphabets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four characters, one of them with two drawings."""
    folder = tmp_path_factory.mktemp("support")
    for name, character in zip("abcd", sorted(tiny_alphabets.glob("*/*")), strict=False):
        for number, drawing in enumerate(sorted(character.iterdir())[: 2 if name == "a" else 1]):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{number}.png").write_bytes(drawing.read_bytes())
    return folder
