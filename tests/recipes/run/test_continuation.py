"""What a run that is taken up again must have in common with itself."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.errors import RunError
from dlpractice.recipes.run.compilation_record import record_compilation, resolve_compilation, was_compiled
from dlpractice.recipes.run.continuation import (
    agree_on_precision,
    open_checkpoints,
    recorded_precision,
    refuse_other_config,
    refuse_other_data,
    refuse_other_splits,
    seconds_before,
)
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.checkpoints import Position
from dlpractice.training.devices.compile_choice import Compilation


def test_the_own_config_and_data_pass(finished_oneshot_run: Path, tiny_oneshot_config: Oneshot) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    refuse_other_config(tiny_oneshot_config, run)
    refuse_other_data(run.environment()["data"]["digest"], run)


def test_another_config_is_refused_with_the_command_that_goes_on(
    finished_oneshot_run: Path, tiny_oneshot_config: Oneshot
) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    with pytest.raises(RunError, match="another config") as caught:
        refuse_other_config(tiny_oneshot_config.model_copy(update={"seed": 5}), run)
    assert f"dlp oneshot {run.path}/config.yaml --run-dir {run.path} --resume" in caught.value.hint


def test_a_run_begun_before_a_key_was_known_has_its_default(
    finished_oneshot_run: Path, tiny_oneshot_config: Oneshot, tmp_path: Path
) -> None:
    text = (finished_oneshot_run / "config.yaml").read_text()
    older = "".join(line for line in text.splitlines(keepends=True) if "checkpoint_seconds" not in line)
    assert len(older) < len(text)
    with RunDirectory.create(tmp_path / "older") as run:
        run.write_config(older)
        refuse_other_config(tiny_oneshot_config, run)
        hasty = tiny_oneshot_config.training.model_copy(update={"checkpoint_seconds": 0.0})
        with pytest.raises(RunError, match="another config"):
            refuse_other_config(tiny_oneshot_config.model_copy(update={"training": hasty}), run)


def test_a_config_of_another_command_is_refused(finished_oneshot_run: Path, tiny_config: Finetune) -> None:
    with pytest.raises(RunError, match="another config"):
        refuse_other_config(tiny_config, RunDirectory.read(finished_oneshot_run))


def test_other_data_are_refused(finished_oneshot_run: Path) -> None:
    with pytest.raises(RunError, match="other data"):
        refuse_other_data("0" * 64, RunDirectory.read(finished_oneshot_run))


@pytest.mark.parametrize("edit", ["split", "label", "gone", "added"])
def test_splits_that_were_edited_are_refused(edit: str, finished_run: Path, tmp_path: Path) -> None:
    rows = RunDirectory.read(finished_run).splits()
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_splits(rows)
        refuse_other_splits(rows, run)
        edited = [dict(row) for row in rows]
        if edit == "split":
            edited[3]["split"] = "train" if rows[3]["split"] == "test" else "test"
        elif edit == "label":
            edited[3]["label"] = "cold and warm"
        elif edit == "gone":
            del edited[3]
        else:
            edited.append(edited[3] | {"path": "zebra.png"})
        run.write_splits(edited)
        named = "zebra.png" if edit == "added" else rows[4 if edit == "gone" else 3]["path"]
        with pytest.raises(RunError, match=rf"splits\.csv is not as .* from {re.escape(named)} on"):
            refuse_other_splits(rows, run)


def test_a_run_that_goes_on_counts_its_epochs_before(tmp_path: Path, finished_oneshot_run: Path) -> None:
    with RunDirectory.create(tmp_path / "new") as fresh:
        assert seconds_before(fresh) == 0
    run = RunDirectory.read(finished_oneshot_run)
    assert seconds_before(run) == sum(row["seconds"] for row in run.metrics()) > 0
    assert run.summary()["seconds"] > seconds_before(run)


def test_the_precision_is_that_of_the_record(finished_oneshot_run: Path) -> None:
    assert recorded_precision(RunDirectory.read(finished_oneshot_run)) == ("float32", {})


def test_runs_of_a_comparison_compute_in_what_the_first_began_in(
    finished_oneshot_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = ("bfloat16", {"float32": 2.0, "bfloat16": 1.0})
    monkeypatch.setattr("dlpractice.recipes.run.device_choice.choose_precision", lambda placement: timed)
    with Comparison.create(tmp_path / "both") as comparison:
        assert agree_on_precision("float32", 1, comparison) == ("float32", {})
        assert agree_on_precision("auto", 1, comparison) == timed
        shutil.copytree(finished_oneshot_run, comparison.run_path("siamese", 0))
        assert agree_on_precision("auto", 1, comparison) == ("float32", {})


class SecondWorker:
    """Stands for the placement of a worker that hears from the first one what `told` holds, in this order."""

    is_chief = False

    def __init__(self, *told: Any) -> None:
        self._told = list(told)

    def agree(self, value: Any) -> Any:
        return self._told.pop(0)


def test_a_worker_may_come_before_the_first_one_has_written(tmp_path: Path) -> None:
    run, start = RunDirectory.follow(tmp_path / "run", tmp_path), json.dumps(vars(Position()))
    _, position, saved = open_checkpoints(run, SecondWorker("whose", start), 15.0)
    assert (position, saved) == (Position(), None)
    assert resolve_compilation("auto", "head", run, SecondWorker("auto")) == "auto"
    record_compilation(run, SecondWorker())("head", Compilation(True, {}))
    assert was_compiled("head", run, SecondWorker(True))
    assert not (tmp_path / "run").exists()
