"""Trainings that `Diagnose` recorded, from a folder that is written by hand as the callback does."""

from pathlib import Path
from typing import Any

import pytest

from dlpractice.diagnosis.logs.formats.own.keras_fit import read_fit
from dlpractice.diagnosis.logs.reading import read_log
from dlpractice.diagnosis.verdict import diagnose
from dlpractice.errors import RunError
from dlpractice.runs.fit_folder import FitFolder


def write(
    path: Path, *, fits: int = 1, epochs: int = 3, stopped: str | None = None, done: bool = True
) -> Path:
    with FitFolder.create(path) as folder:
        folder.write_training({"fits": fits, "not_recorded": ["the metric f1 is not recorded"]})
        row: dict[str, Any] = {"fit": 1, "seconds": 1.0, "learning_rate": 0.1, "auc": 0.5}
        if epochs:
            folder.write_metrics(
                [
                    row | {"epoch": e, "step": 5 * e, "loss": 1 / e, "val_loss": 2 / e}
                    for e in range(1, epochs + 1)
                ]
            )
        start = {
            "classes": 2,
            "loss": 9.0,
            "output": {"activation": "softmax"},
            "loss_takes": "probabilities",
        }
        folder.write_diagnostics({"start": start})
        if done:
            folder.write_summary({"stopped": stopped})
    return path


@pytest.mark.parametrize(
    "name", ["", "metrics.csv", "training.json", "diagnostics.json", "summary.json", ".."]
)
def test_a_folder_is_found_by_each_of_its_files_and_from_above(name: str, tmp_path: Path) -> None:
    record = read_log(write(tmp_path / "above" / "run") / name, {})
    assert record.curves["val_loss"].values == pytest.approx((2, 1, 2 / 3))
    assert (record.epochs, record.steps, record.finished) == (3, 15, True)
    assert record.unused == ("auc",)
    assert record.notes == ("the metric f1 is not recorded",)


def test_a_training_before_its_first_epoch_is_judged_by_its_net(tmp_path: Path) -> None:
    record = read_fit(write(tmp_path / "run", epochs=0, done=False))
    assert not record.curves and not record.finished
    found = diagnose(record)
    assert [finding.name for finding in found.findings] == ["first loss out of range"]


def test_it_is_said_why_a_training_was_stopped_and_how_often_it_went_on(tmp_path: Path) -> None:
    notes = read_fit(write(tmp_path / "run", fits=2, stopped="loss exploded: it is nan")).notes
    assert notes[0] == "fit was called 2 times; the epochs are counted on"
    assert notes[1] == "Diagnose stopped the training: loss exploded: it is nan"


def test_a_model_that_logs_no_loss_of_its_own_is_read_and_says_so(tmp_path: Path) -> None:
    with FitFolder.create(tmp_path / "run") as folder:
        folder.write_training({"fits": 1, "not_recorded": []})
        folder.write_metrics(
            [{"fit": 1, "epoch": 1, "step": 1, "seconds": 1.0, "d_loss": 0.6, "g_loss": 1.2}]
        )
    record = read_fit(tmp_path / "run")
    assert "losses of two nets that work against each other" in record.notes[0] and not record.curves
    assert record.unused == ("d_loss", "g_loss")
    with pytest.raises(RunError, match="auc"):
        read_fit(tmp_path / "run", {"accuracy": "auc"})


def test_columns_can_be_mapped(tmp_path: Path) -> None:
    record = read_log(write(tmp_path / "run"), {"val_accuracy": "auc"})
    assert record.curves["val_accuracy"].values == (0.5, 0.5, 0.5)
