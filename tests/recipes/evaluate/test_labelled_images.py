"""Evaluation of a finished run on labelled folders."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import DataError
from dlpractice.progress import Silent
from dlpractice.recipes.evaluate import labelled_images
from dlpractice.runs.directory import RunDirectory


def test_on_the_test_images_it_finds_what_the_run_found(
    finished_run: Path, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    run = RunDirectory.read(finished_run)
    rows = [row for row in run.predictions() if row["split"] == "test"]
    for row in rows:
        target = tmp_path / "data" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tiny_data / row["path"]).read_bytes())
    (tmp_path / "data" / "warm" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    document = labelled_images.run(run, str(tmp_path / "data"))
    assert document["accuracy"] == run.summary()["results"]["test_accuracy"]
    names = ("cold", "warm")
    counts = [[sum(r["label"] == a and r["predicted"] == b for r in rows) for b in names] for a in names]
    assert document["confusion"] == counts
    assert document["per_class"]["warm"]["value"] == pytest.approx(counts[1][1] / np.sum(counts[1]))
    assert [Path(bad["path"]).name for bad in document["unreadable"]] == ["broken.png"]


def test_copies_in_a_folder_are_counted_as_one(
    finished_run: Path, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    run = RunDirectory.read(finished_run)
    for row in [row for row in run.predictions() if row["split"] == "test"]:
        for folder, copies in (("once", 1), ("often", 5)):
            for number in range(copies):
                file = (tmp_path / folder / row["path"]).with_suffix(f".{number}.png")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes((tiny_data / row["path"]).read_bytes())
    once, often = (labelled_images.run(run, str(tmp_path / name)) for name in ("once", "often"))
    named = [(once["accuracy"], often["accuracy"])]
    named += [(once["per_class"][name], often["per_class"][name]) for name in ("cold", "warm")]
    for one, other in named:
        assert other["ci95"] == pytest.approx(one["ci95"])
        assert (other["n"], other["groups"]) == (5 * one["n"], one["n"])
        assert "groups" not in one


def test_training_images_among_them_are_told(finished_run: Path, tiny_data: Path, shared_cache: Path) -> None:
    warnings: list[str] = []
    progress = Silent()
    progress.warn = warnings.append  # type: ignore[method-assign]
    labelled_images.run(RunDirectory.read(finished_run), str(tiny_data), progress)
    assert warnings == ["48 of 80 images are ones that the model was trained on"]


def test_a_class_that_the_model_does_not_know_is_an_error(
    finished_run: Path, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    for name in ("cold", "tepid"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.png").write_bytes((tiny_data / "cold" / "01.png").read_bytes())
    with pytest.raises(DataError, match="tepid"):
        labelled_images.run(RunDirectory.read(finished_run), str(tmp_path / "data"))
