"""Predictions of a finished run on images it knows."""

from pathlib import Path

import pytest

from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.predict import classification
from dlpractice.runs.directory import RunDirectory


def test_predictions_are_those_of_the_run(finished_run: Path, tiny_data: Path) -> None:
    run = RunDirectory.read(finished_run)
    recorded = {row["path"]: row for row in run.predictions()}
    assert recorded
    classifier = load_classifier(finished_run)
    rows = classification.run(classifier, [str(tiny_data / path) for path in recorded])
    temperature = run.summary()["calibration"]["temperature"]
    for row, (path, before) in zip(rows, recorded.items(), strict=True):
        assert row["path"] == str(tiny_data / path)
        assert row["predicted"] == before["predicted"]
        odds = (before["confidence"] / (1 - before["confidence"])) ** (1 / temperature)  # of two classes
        assert row["confidence"] == pytest.approx(odds / (1 + odds), abs=1e-4)
        assert row["top"][0]["label"] == row["predicted"]
        assert sum(entry["confidence"] for entry in row["top"]) == pytest.approx(1)


def test_folders_are_walked_and_a_bad_image_is_a_row(
    finished_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes((tiny_data / "warm" / "00.png").read_bytes())
    (tmp_path / "b.jpg").write_bytes(b"")
    paths = [str(tmp_path), str(tmp_path / "missing.png")]
    rows = list(classification.run(load_classifier(finished_run), paths))
    assert [Path(row["path"]).name for row in rows] == ["a.png", "b.jpg", "missing.png"]
    assert set(rows[0]) == {"path", "predicted", "confidence", "top"}
    assert all(set(row) == {"path", "error"} and row["error"] for row in rows[1:])
