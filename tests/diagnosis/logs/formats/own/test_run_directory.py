"""Run directories of our own, finished and running."""

import shutil
from pathlib import Path

from dlpractice.diagnosis.logs.formats.own.run_directory import (
    find_above_runs,
    find_run,
    read_newest_run,
    read_run,
)
from dlpractice.runs.directory import RunDirectory


def row(stage: str, epoch: int, val_loss: float | None) -> dict[str, object]:
    return {"stage": stage, "epoch": epoch, "step": 8 * epoch, "loss": 1 / epoch, "val_loss": val_loss}


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_config("command: finetune\ntraining:\n  epochs: 9\n")
        assert read_run(tmp_path / "run").curves == {}
        for stage, epoch, loss in (("head", 1, 0.9), ("head", 2, 0.8), ("full", 1, 0.7), ("full", 2, None)):
            run.append_metrics(row(stage, epoch, loss))
    record = read_run(tmp_path / "run")
    assert record.curves["loss"].values == (1.0, 0.5)
    assert record.curves["val_loss"].at == (1.0,)
    assert not record.finished
    assert (record.clock, record.epochs, record.steps) == ("epoch", 2.0, 16.0)
    assert record.notes[0] == "read the stage full; before it: head"
    assert record.run is not None
    assert record.run.setting("training.epochs") == 9
    assert record.run.summary is None


def test_a_finished_run(finished_run: Path) -> None:
    record = read_run(finished_run)
    assert record.finished
    assert record.notes == ()
    assert record.missing == ()
    assert record.run is not None
    assert record.run.summary is not None
    assert (record.run.command, record.run.stage) == ("finetune", "scratch")
    assert record.run.count("train") == 48
    assert len(record.run.scored("validation")) == 16
    assert len(record.curves["val_accuracy"]) == 3


def test_images_that_are_not_used_are_left_out(finished_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished_run, copy)
    text = (copy / "splits.csv").read_text()
    (copy / "splits.csv").write_text(text.replace(",train,", ",unused,", 1))
    before, after = (read_run(path).run for path in (finished_run, copy))
    assert before is not None and after is not None
    assert (after.count("train"), after.count("unused")) == (before.count("train") - 1, 0)


def test_a_run_is_found_by_its_folder_its_metrics_and_from_above(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with RunDirectory.create(tmp_path / name) as run:
            run.write_config("command: finetune\n")
            run.append_metrics(row("full", 1, 0.7))
    second = tmp_path / "second"
    assert find_run(second) == find_run(second / "metrics.csv") == second
    assert find_above_runs(tmp_path) == tmp_path and find_above_runs(second / "metrics.csv") is None
    assert read_newest_run(tmp_path).path == str(second)
    assert find_run(tmp_path) is find_run(second / "config.yaml") is None
