"""A finished run's model, loaded as a user would."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.decoding import Look
from dlpractice.data.files.unlabelled_images import LoadedImage
from dlpractice.errors import ModelError
from dlpractice.recipes.run.model_note import ClassifierNote
from dlpractice.recipes.run.saved_model import forward_images, load_note, load_saved
from dlpractice.runs.directory import RunDirectory


def test_it_brings_its_classes_and_how_to_decode(finished_run: Path) -> None:
    saved = load_saved(RunDirectory.read(finished_run))
    assert saved.class_names == ("cold", "warm")
    assert saved.look == Look(32, "stretch", "#ffffff")


def test_it_stretches_deep_files_as_in_training(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    audit = json.loads((run / "audit.json").read_text())
    assert audit["levels"] is None
    (run / "audit.json").write_text(json.dumps(audit | {"levels": {"black": 0, "white": 4095}}))
    assert load_saved(RunDirectory.read(run)).look.levels == Levels(0, 4095)
    (run / "audit.json").write_text(json.dumps({"images": 3}))  # of an earlier version
    assert load_saved(RunDirectory.read(run)).look.levels == Levels(0, 65535)


def test_it_classifies_in_order_and_passes_errors_on(finished_run: Path) -> None:
    saved = load_saved(RunDirectory.read(finished_run))
    rng = np.random.default_rng(0)
    images = [LoadedImage(str(k), rng.integers(0, 256, (32, 32, 3), np.uint8)) for k in range(40)]
    images.insert(3, LoadedImage("bad", None, "it is empty"))
    pairs = list(forward_images(saved.forward(), images))
    assert [image.path for image, _ in pairs] == [image.path for image in images]
    assert pairs[3][1] is None
    whole = saved.model.predict(np.stack([i.pixels for i in images if i.pixels is not None]), verbose=0)
    np.testing.assert_allclose(np.stack([p for _, p in pairs if p is not None]), whole, atol=1e-5)


def test_a_run_without_a_model_says_so(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((finished_run / "config.yaml").read_bytes())
    with pytest.raises(ModelError, match=r"has no model\.keras"):
        load_saved(RunDirectory.read(tmp_path))
    (tmp_path / "model.keras").write_bytes((finished_run / "model.keras").read_bytes()[:5000])
    with pytest.raises(ModelError, match="no intact zip file"):
        load_saved(RunDirectory.read(tmp_path))


def test_a_model_that_would_run_code_or_is_not_ours_is_refused(finished_run: Path, tmp_path: Path) -> None:
    import keras

    (tmp_path / "config.yaml").write_bytes((finished_run / "config.yaml").read_bytes())
    foreign = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)])
    foreign.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_saved(RunDirectory.read(tmp_path))
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="not a model of `dlp finetune`"):
        load_saved(RunDirectory.read(tmp_path))


@pytest.mark.parametrize("names", [["cold"], ["cold", "warm", "hot"]])
def test_a_note_with_other_classes_than_the_net_has_outputs_is_refused(
    names: list[str], finished_run: Path, tmp_path: Path
) -> None:
    run = rewrite_metadata(finished_run, tmp_path / "run", lambda note: {**note, "class_names": names})
    with pytest.raises(ModelError, match=rf"model\.keras: its note names {len(names)} classes"):
        load_saved(run)


def test_damaged_metadata_of_a_model_are_named(finished_run: Path, tmp_path: Path) -> None:
    run = rewrite_metadata(finished_run, tmp_path / "run", lambda note: {**note, "class_names": "cold"})
    with pytest.raises(ModelError, match=r"model\.keras: not a model of `dlp finetune`"):
        load_note(run.model_path, ClassifierNote, "dlp finetune")
    with zipfile.ZipFile(run.model_path, "w") as file:
        file.writestr("metadata.json", "[" * 100_000)
    with pytest.raises(ModelError, match=r"model\.keras: its note cannot be read"):
        load_note(run.model_path, ClassifierNote, "dlp finetune")


def rewrite_metadata(source: Path, folder: Path, change: Callable[[Any], Any]) -> RunDirectory:
    """A copy of a run whose model has another note."""
    shutil.copytree(source, folder)
    with zipfile.ZipFile(source / "model.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    metadata = json.loads(parts["metadata.json"])
    metadata["dlpractice"] = change(metadata["dlpractice"])
    with zipfile.ZipFile(folder / "model.keras", "w") as file:
        for name, part in (parts | {"metadata.json": json.dumps(metadata).encode()}).items():
            file.writestr(name, part)
    return RunDirectory.read(folder)
