"""Evaluation of a trained classifier on labelled folders."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from dlpractice.errors import DataError, ModelError
from dlpractice.progress import Silent
from dlpractice.recipes.evaluate import labelled_images
from dlpractice.recipes.inference.abstention import Abstention
from dlpractice.recipes.inference.trained_classifier import TrainedClassifier, load_classifier
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.calibration import calibration_error
from dlpractice.statistics.shares import accuracy

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def classifier(finished_run: Path) -> TrainedClassifier:
    return load_classifier(finished_run)


@pytest.fixture
def evaluate(classifier: TrainedClassifier, finished_run: Path) -> Evaluate:
    def run(folder: Path, **options: Any) -> dict[str, Any]:
        made_by = RunDirectory.read(finished_run)
        return labelled_images.run(classifier, str(folder), **{"made_by": made_by, **options}).document

    return run


def test_on_the_test_images_it_finds_what_the_run_found(
    evaluate: Evaluate, finished_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    run = RunDirectory.read(finished_run)
    rows = [row for row in run.predictions() if row["split"] == "test"]
    for row in rows:
        target = tmp_path / "data" / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tiny_data / row["path"]).read_bytes())
    (tmp_path / "data" / "warm" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    document = evaluate(tmp_path / "data")
    assert document["accuracy"] == run.summary()["results"]["test_accuracy"]
    names = ("cold", "warm")
    counts = [[sum(r["label"] == a and r["predicted"] == b for r in rows) for b in names] for a in names]
    assert document["confusion"] == counts
    assert document["per_class"]["warm"]["value"] == pytest.approx(counts[1][1] / np.sum(counts[1]))
    truth, guess = ([row[key] for row in rows] for key in ("label", "predicted"))
    oracle = precision_recall_fscore_support(truth, guess, average="macro", zero_division=0)
    found = [document["macro"][key]["value"] for key in ("precision", "recall", "f1")]
    assert found == pytest.approx(oracle[:3])
    assert [Path(bad["path"]).name for bad in document["unreadable"]] == ["broken.png"]
    assert (document["trained_on"], document["selection"]) == (0, None)


def test_copies_in_a_folder_are_counted_as_one(
    evaluate: Evaluate, finished_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    run = RunDirectory.read(finished_run)
    for row in [row for row in run.predictions() if row["split"] == "test"]:
        for folder, copies in (("once", 1), ("often", 5)):
            for number in range(copies):
                file = (tmp_path / folder / row["path"]).with_suffix(f".{number}.png")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes((tiny_data / row["path"]).read_bytes())
    once, often = (evaluate(tmp_path / name) for name in ("once", "often"))
    named = [(once["accuracy"], often["accuracy"])]
    named += [(once["per_class"][name], often["per_class"][name]) for name in ("cold", "warm")]
    named += [(once["per_class"]["cold"]["f1"], often["per_class"]["cold"]["f1"])]
    for one, other in named:
        assert other["ci95"] == pytest.approx(one["ci95"])
        assert (other["n"], other["groups"]) == (5 * one["n"], one["n"])
        assert "groups" not in one


def test_training_images_among_them_are_told(evaluate: Evaluate, tiny_data: Path) -> None:
    warnings: list[str] = []
    progress = Silent()
    progress.warn = warnings.append  # type: ignore[method-assign]
    document = evaluate(tiny_data, progress=progress)
    assert warnings == ["48 of 80 images are ones that the model was trained on"]
    assert document["trained_on"] == 48
    assert evaluate(tiny_data, made_by=None)["trained_on"] is None


def test_a_class_that_the_model_does_not_know_is_an_error(
    evaluate: Evaluate, tiny_data: Path, tmp_path: Path
) -> None:
    for name in ("cold", "tepid"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.png").write_bytes((tiny_data / "cold" / "01.png").read_bytes())
    with pytest.raises(DataError, match="tepid"):
        evaluate(tmp_path / "data")


def stand_in(tint: float, classifier: TrainedClassifier) -> TrainedClassifier:
    """Three classes in another order than their names; what is redder than `tint` is warm, the redder the
    surer."""

    def infer(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        red = pixels.astype(np.float64).mean(axis=(1, 2))[:, 0]
        sure = 1 / (1 + np.exp((tint - red) / 20))
        return np.stack([sure, 0 * sure, 1 - sure], axis=1).astype(np.float32)

    return replace(classifier, infer=infer, class_names=("warm", "hot", "cold"), calibration=None)


def test_mistakes_are_shown_and_copied_from_the_surest_on(
    classifier: TrainedClassifier, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    (data / "hot").mkdir()
    for wrong in ("cold/00.png", "cold/01.png"):
        shutil.copy(tiny_data / "warm" / Path(wrong).name, data / wrong)
    before = {path: path.read_bytes() for path in data.rglob("*.png")}
    threshold = Abstention(0.75, None)
    options = {"abstention": threshold, "save_wrong": tmp_path / "wrong"}
    found = labelled_images.run(stand_in(128, classifier), str(data), **options)
    document = found.document
    mistakes = document["mistakes"]
    assert document["missing"] == ["hot"] and list(document["per_class"]) == ["warm", "cold"]
    assert {"cold/00.png", "cold/01.png"} <= {row["path"] for row in mistakes}
    sure = [row["confidence"] for row in mistakes]
    assert sure == sorted(sure, reverse=True) and len(mistakes) == 80 - np.trace(document["confusion"])
    assert found.pictures.shape == (min(24, len(mistakes)), 32, 32, 3)
    # What is answered is what a naive count finds, and what is wrong of it has a copy.
    kept = [row for row in mistakes if row["confidence"] >= 0.75]
    selection = document["selection"]
    answered = round(selection["coverage"]["value"] * 80)
    assert selection["accuracy"]["value"] == pytest.approx(1 - len(kept) / answered)
    copies = {path: path.read_bytes() for path in (tmp_path / "wrong").rglob("*.png")}
    assert len(copies) == len(kept)
    for row in kept:
        copy = tmp_path / "wrong" / row["label"] / row["predicted"] / Path(row["path"]).name
        assert copies[copy] == before[data / row["path"]]
    labelled_images.run(stand_in(128, classifier), str(data), **options)
    assert {path: path.read_bytes() for path in data.rglob("*.png")} == before
    assert {path: path.read_bytes() for path in (tmp_path / "wrong").rglob("*.png")} == copies


def test_calibration_is_that_of_the_answers(
    classifier: TrainedClassifier, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    net = stand_in(128, classifier)
    found = labelled_images.run(net, str(tiny_data)).document
    wrong = {row["path"]: row["confidence"] for row in found["mistakes"]}
    assert found["calibration"]["temperature"] is None
    assert sum(one["n"] * (1 - one["accuracy"]) for one in found["calibration"]["bins"]) == pytest.approx(
        len(wrong)
    )
    # One image: all of it is there, with intervals.
    (tmp_path / "cold").mkdir()
    shutil.copy(tiny_data / "cold" / "05.png", tmp_path / "cold" / "a.png")
    one = labelled_images.run(net, str(tmp_path), abstention=Abstention(1.0, None)).document
    right = np.array([1.0 - len(one["mistakes"])])
    assert one["accuracy"] == accuracy(right).to_json()
    assert one["selection"]["accuracy"] is None
    sure = [one["calibration"]["bins"][0]["confidence"]]
    assert one["calibration"]["error"] == calibration_error(sure, right, ["cold/a.png"]).to_json()
    assert one["missing"] == ["warm", "hot"]


def test_a_net_that_gives_no_numbers_is_an_error(classifier: TrainedClassifier, tiny_data: Path) -> None:
    broken = replace(classifier, infer=lambda pixels: np.full((len(pixels), 2), np.nan, np.float32))
    with pytest.raises(ModelError, match="no numbers"):
        labelled_images.run(broken, str(tiny_data))
