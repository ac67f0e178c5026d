import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory


def metrics_row(epoch: int, **changes: Any) -> dict[str, Any]:
    row = {
        "stage": "head",
        "epoch": epoch,
        "step": 10 * epoch,
        "seconds": 0.25,
        "learning_rate": 0.001,
        "images_per_second": 800.5,
        "loss": 1 / epoch,
        "accuracy": 0.5,
        "val_loss": 2 / epoch,
        "val_accuracy": 0.25,
    }
    return row | changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run that has only its config."""
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_config("command: finetune\n")
    return tmp_path / "run"


def test_a_figure_belongs_into_the_folder_under_its_name(path: Path) -> None:
    assert RunDirectory.read(path).figure_path("embedding") == path / "embedding.png"


def test_all_files_come_back(tmp_path: Path) -> None:
    split = {
        "path": "a/1.png",
        "label": "a",
        "split": "test",
        "sha256": "0f",
        "group": "",
        "bound": "a/1.png",
    }
    prediction = {
        "path": "a/1.png",
        "split": "test",
        "label": "a",
        "predicted": "b",
        "confidence": 0.75,
        "loss": 1.5,
    }
    with RunDirectory.create(tmp_path / "new" / "run") as run:
        run.write_config("command: finetune\nseed: 0\n")
        run.write_environment({"python": "3.11"})
        run.write_splits([split])
        run.append_metrics(metrics_row(1))
        run.write_predictions([prediction])
        run.write_audit({"findings": []})
        assert not run.is_finished
        run.write_summary({"results": {}})
        assert run.is_finished
    run = RunDirectory.read(tmp_path / "new" / "run")
    assert (run.path / "config.yaml").read_text() == "command: finetune\nseed: 0\n"
    assert run.environment() == {"python": "3.11"}
    assert run.splits() == [split]
    assert run.metrics() == [metrics_row(1)]
    assert run.predictions() == [prediction]
    assert json.loads((run.path / "audit.json").read_text()) == {"schema": 1, "findings": []}
    assert run.summary() == {"results": {}}
    assert run.is_finished


def test_runs_from_before_there_was_bound_say_by_bytes_and_groups_what_is_bound(path: Path) -> None:
    lines = [
        "path,label,split,sha256,group",
        "a,x,test,1,",
        "b,x,test,2,film",
        "c,x,train,1,film",
        "d,x,test,3,",
    ]
    (path / "splits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = RunDirectory.read(path).splits()
    assert [row["bound"] for row in rows] == ["a", "a", "a", "d"]
    (path / "splits.csv").write_text("path,label,split,sha256\n", encoding="utf-8")
    with pytest.raises(RunError, match="lacks the column group"):
        RunDirectory.read(path).splits()


def test_names_are_those_of_the_contract(path: Path) -> None:
    run = RunDirectory.read(path)
    places = (run.model_path, run.checkpoints, run.tensorboard)
    assert [place.relative_to(path).name for place in places] == ["model.keras", "checkpoints", "tensorboard"]


def write_all(run: RunDirectory) -> None:
    run.write_config("command: finetune\n")
    run.write_environment({})
    run.write_splits([])
    run.append_metrics(metrics_row(1))
    run.write_predictions([])
    run.write_audit({})
    run.write_diagnostics({})
    run.write_summary({})


FILES = [
    *("audit.json", "config.yaml", "diagnostics.json", "environment.json", "metrics.csv"),
    *("predictions.csv", "splits.csv", "summary.json"),
]


def test_files_have_the_names_that_earlier_runs_gave_them(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path) as run:
        write_all(run)
    assert sorted(file.name for file in tmp_path.iterdir() if not file.name.startswith(".")) == FILES


def test_a_worker_that_follows_writes_nothing_into_the_run(path: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = RunDirectory.follow(path, scratch)
    before = sorted(path.iterdir())
    assert (run.path / "config.yaml").read_text() == "command: finetune\n"
    write_all(run)
    assert sorted(path.iterdir()) == before
    assert sorted(file.name for file in scratch.iterdir()) == FILES
    places = (run.model_path, run.tensorboard, run.figure_path("failures"))
    assert places == (scratch / "model.keras", scratch / "tensorboard", scratch / "failures.png")
    assert run.checkpoints == path / "checkpoints"


def test_create_takes_an_empty_folder(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path).close()
    RunDirectory.create(tmp_path).close()


@pytest.mark.parametrize(
    "name",
    [
        *("config.yaml", "model.keras", "checkpoints", "comparison.json", "metrics.csv"),
        *("sweep.json", "trial.json", "benchmark.json", "diagnostics.json"),
    ],
)
def test_create_refuses_a_folder_with_a_name_of_ours_and_leaves_it_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=f"already holds {name}") as refused:
        RunDirectory.create(tmp_path)
    assert "--resume" in refused.value.hint
    assert "--run-dir" in refused.value.hint
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_create_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="is a file, not a folder"):
        RunDirectory.create(tmp_path / "file")


@pytest.mark.parametrize("opened", [RunDirectory.resume, RunDirectory.read])
def test_what_is_no_run_is_not_opened(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        opened(tmp_path / "none")
    with pytest.raises(RunError, match=r"is not a run: it has no config\.yaml"):
        opened(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="is a file, not a run"):
        opened(tmp_path / "file")


def test_a_comparison_is_not_read_as_a_run_but_its_runs_are_named(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "head" / "seed-0") as run:
        run.write_config("")
    with pytest.raises(RunError, match="holds several runs") as refused:
        RunDirectory.read(tmp_path)
    assert str(tmp_path / "head" / "seed-0") in refused.value.hint


def test_resume_or_create(tmp_path: Path) -> None:
    with RunDirectory.resume_or_create(tmp_path / "run") as run:
        run.write_config("a: 1\n")
        run.append_metrics(metrics_row(1))
    with RunDirectory.resume_or_create(tmp_path / "run") as run:
        assert (run.path / "config.yaml").read_text() == "a: 1\n"
        run.append_metrics(metrics_row(2))
        assert len(run.metrics()) == 2


def test_a_second_writer_is_refused_and_a_reader_is_not(path: Path) -> None:
    with RunDirectory.resume(path):
        with pytest.raises(RunError, match="another process is writing"):
            RunDirectory.resume(path)
        assert (path / "config.yaml").read_text() == "command: finetune\n"
    RunDirectory.resume(path).close()


def test_a_closed_run_can_be_written_again_while_somebody_still_holds_it(path: Path) -> None:
    first = RunDirectory.resume(path)
    first.close()
    with RunDirectory.resume(path) as second:
        second.write_summary({})
    assert first.is_finished


def test_a_folder_that_another_process_took_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the lock somebody else writes a whole run."""
    from dlpractice.runs import lock as module

    take = module.lock_folder

    def after_another(folder: Path) -> Any:
        lock = take(folder)
        (folder / "config.yaml").write_text("theirs")
        return lock

    monkeypatch.setattr(module, "lock_folder", after_another)
    with pytest.raises(RunError, match="already holds"):
        RunDirectory.create(tmp_path / "run")
    monkeypatch.undo()
    RunDirectory.resume(tmp_path / "run").close()  # the lock was given back


def test_reading_never_writes(path: Path) -> None:
    run = RunDirectory.read(path)
    for write in (run.write_config, run.write_environment, run.append_metrics, run.write_summary):
        with pytest.raises(RunError, match="open for reading only"):
            write({})  # type: ignore[operator]
    closed = RunDirectory.resume(path)
    closed.close()
    closed.close()
    with pytest.raises(RunError, match="open for reading only"):
        closed.write_config("")
    assert (run.path / "config.yaml").read_text() == "command: finetune\n"


def test_no_epoch_yet(path: Path) -> None:
    assert RunDirectory.read(path).metrics() == []


def test_metrics_go_on_after_a_resume(path: Path) -> None:
    with RunDirectory.resume(path) as run:
        for epoch in (1, 2, 3):
            run.append_metrics(metrics_row(epoch))
    before = (path / "metrics.csv").read_bytes()
    with RunDirectory.resume(path) as run:
        run.truncate_metrics(2)
        assert run.metrics() == [metrics_row(1), metrics_row(2)]
        run.append_metrics(metrics_row(3))
    assert (path / "metrics.csv").read_bytes() == before  # bit for bit, as if never stopped


def test_truncation_to_more_rows_than_there_are_is_refused(path: Path) -> None:
    with RunDirectory.resume(path) as run:
        run.append_metrics(metrics_row(1))
        with pytest.raises(RunError, match="has 1 rows, but the checkpoint was written after 2"):
            run.truncate_metrics(2)
        run.truncate_metrics(0)
        assert run.metrics() == []


def test_metrics_keep_nan_and_the_absent(path: Path) -> None:
    with RunDirectory.resume(path) as run:
        run.append_metrics(metrics_row(1, loss=math.nan, val_loss=math.inf, val_accuracy=None))
    with RunDirectory.resume(path) as run:  # and again through a rewrite
        run.append_metrics(metrics_row(2))
        row = run.metrics()[0]
    assert math.isnan(row["loss"])
    assert row["val_loss"] == math.inf
    assert row["val_accuracy"] is None


def test_a_misspelt_metric_is_refused(path: Path) -> None:
    with RunDirectory.resume(path) as run, pytest.raises(ValueError, match="val_acc"):
        run.append_metrics({"val_acc": 1.0})


KILLED = """
import os, signal, sys
from dlpractice.runs.directory import RunDirectory
run = RunDirectory.create(sys.argv[1])
run.write_config("command: finetune\\n")
run.append_metrics({"stage": "head", "epoch": 1})
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
run.append_metrics({"stage": "head", "epoch": 2})
"""


def test_a_killed_run_can_be_read_and_resumed(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [row["epoch"] for row in RunDirectory.read(tmp_path / "run").metrics()] == [1]
    with RunDirectory.resume(tmp_path / "run") as run:
        run.append_metrics({"stage": "head", "epoch": 2})
        assert [row["epoch"] for row in run.metrics()] == [1, 2]


def test_one_of_two_processes_creates_the_run(tmp_path: Path) -> None:
    program = """
import sys
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory
sys.stdin.readline()
try:
    with RunDirectory.create(sys.argv[1]) as run:
        run.write_config(sys.argv[2])
except RunError:
    sys.exit(1)
"""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "run"), name], stdin=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate(timeout=1200)
    winner = [name for racer, name in zip(racers, "ab", strict=True) if racer.returncode == 0]
    assert len(winner) == 1
    assert (tmp_path / "run" / "config.yaml").read_text() == winner[0]


def test_a_file_that_is_missing_is_named(path: Path) -> None:
    run = RunDirectory.read(path)
    for read, name in ((run.summary, "summary.json"), (run.splits, "splits.csv")):
        with pytest.raises(RunError, match=f"has no {name}"):
            read()


def test_file_names_that_are_not_utf8_survive(path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    with RunDirectory.resume(path) as run:
        run.write_splits([{"path": name, "label": "a", "split": "train", "sha256": "", "group": ""}])
        assert run.splits()[0]["path"] == name


def test_what_diagnose_reads(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_config("command: finetune\n")
        assert not run.has_splits
        assert not run.has_audit
        assert run.diagnostics() is None
        run.write_splits([])
        run.write_audit({"near_duplicates": []})
        run.write_diagnostics({"start": {"loss": 0.7}})
    read = RunDirectory.read(tmp_path / "run")
    assert read.has_splits
    assert read.has_audit
    assert read.audit() == {"near_duplicates": []}
    assert read.diagnostics() == {"start": {"loss": 0.7}}
