"""What a path holds, and who reads it."""

import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.logs.reading import holds_several, read_log
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory

LOGS = Path(__file__).parents[1] / "sample_logs"


def test_every_kind_is_told_by_what_it_is(keras_logs: SimpleNamespace, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps(keras_logs.history))
    kinds = {
        history: "Keras history",
        keras_logs.csv: "CSV log",
        keras_logs.tensorboard: "TensorBoard event files",
        LOGS / "trainer_state.json": "Hugging Face trainer state",
        LOGS / "lightning_metrics.csv": "Lightning metrics",
        LOGS: "Hugging Face trainer state",
    }
    assert {path: read_log(path, {}).kind for path in kinds} == kinds


def test_folders_as_the_libraries_leave_them(tmp_path: Path) -> None:
    for step in (8, 16):
        (tmp_path / "hf" / f"checkpoint-{step}").mkdir(parents=True)
        shutil.copy(LOGS / "trainer_state.json", tmp_path / "hf" / f"checkpoint-{step}")
    assert "checkpoint-" in read_log(tmp_path / "hf", {}).path
    (tmp_path / "version_0").mkdir()
    shutil.copy(LOGS / "lightning_metrics.csv", tmp_path / "version_0" / "metrics.csv")
    assert read_log(tmp_path / "version_0", {}).kind == "Lightning metrics"


def test_of_several_runs_the_newest_is_read_and_named(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with RunDirectory.create(tmp_path / name) as run:
            run.write_config("command: finetune\n")
    assert read_log(tmp_path, {}).path == str(tmp_path / "second")
    assert read_log(tmp_path / "first", {}).path == str(tmp_path / "first")


def test_folders_of_comparisons(tmp_path: Path) -> None:
    assert not holds_several(tmp_path)
    (tmp_path / "sweep.json").write_text("{}")
    assert holds_several(tmp_path)


@pytest.mark.parametrize("name", ["absent", "empty", "picture.png"])
def test_what_is_no_log(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "picture.png").write_bytes(b"png")
    with pytest.raises(RunError, match=name) as error:
        read_log(tmp_path / name, {})
    assert "give a run directory" in error.value.hint


def test_accuracies_in_percent_are_taken_for_what_they_are(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("epoch,loss,acc,val_acc\n1,0.9,0.8,50\n2,0.5,97.5,88\n")
    record = read_log(log, {})
    assert record.curves["accuracy"].values == pytest.approx((0.008, 0.975))
    assert record.curves["val_accuracy"].values == pytest.approx((0.5, 0.88))
    assert record.curves["loss"].values == (0.9, 0.5)
    assert record.notes == ("acc and val_acc were taken for percent",)


@pytest.mark.parametrize(("value", "named"), [("600", "600"), ("-0.5", "-0.5")])
def test_accuracies_that_are_none_are_refused(value: str, named: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(f"epoch,loss,acc\n1,0.9,0.8\n2,0.5,{value}\n")
    with pytest.raises(RunError, match=f"an accuracy is {named}") as error:
        read_log(log, {})
    assert "--column" in error.value.hint


def test_the_only_log_in_a_folder_is_read_whatever_else_lies_there(tmp_path: Path) -> None:
    below = tmp_path / "out"
    below.mkdir()
    (below / "history.json").write_text('{"loss": [1.0, 0.5]}')
    (below / "labels.csv").write_text("file,label\na.png,cat\n")
    (below / "requirements.txt").write_text("numpy==1.26\n")
    assert read_log(tmp_path, {}).path == str(below / "history.json")
    (below / "log.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    with pytest.raises(RunError, match="holds 2 training logs") as error:
        read_log(tmp_path, {})
    assert error.value.hint == "name one of out/history.json, out/log.csv"


def test_of_lightning_s_versions_the_highest_is_read(tmp_path: Path) -> None:
    for number in (0, 9, 10):
        folder = tmp_path / "lightning_logs" / f"version_{number}"
        folder.mkdir(parents=True)
        shutil.copy(LOGS / "lightning_metrics.csv", folder / "metrics.csv")
    record = read_log(tmp_path, {})
    assert "version_10" in record.path
    assert record.notes[-1] == "of 3 folders that differ by a number version_10 was read"


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "trainHistoryDict"
    file.write_bytes(pickle.dumps({"loss": [1.0]}))
    with pytest.raises(RunError, match="a pickle, which is not opened") as error:
        read_log(file, {})
    assert "json.dump" in error.value.hint
