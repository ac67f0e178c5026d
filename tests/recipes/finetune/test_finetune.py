"""Whole runs on tiny data: what they write, and that killing one changes nothing but its duration."""

import csv
import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.errors import RunError
from dlpractice.progress import Silent
from dlpractice.recipes.finetune import finetune
from dlpractice.runs.directory import RunDirectory


def changed(config: Finetune, strategy: str | None = None, **training: object) -> Finetune:
    document = config.model_dump()
    document["training"] |= training
    document["strategy"] = strategy or config.strategy
    return Finetune.model_validate(document)


def test_a_run_writes_the_files_of_its_contract(finished_run: Path) -> None:
    names = {path.name for path in finished_run.iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.yaml",
        "environment.json",
        "splits.csv",
        "audit.json",
        "metrics.csv",
        "predictions.csv",
        "summary.json",
        "model.keras",
        "checkpoints",
    }
    with (finished_run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == (
        "stage,epoch,step,seconds,learning_rate,images_per_second,loss,accuracy,val_loss,val_accuracy"
    )
    assert [row["step"] for row in rows] == ["3", "6", "9"]  # 48 images in batches of 16


def test_the_summary_is_what_the_predictions_say(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    results = run.summary()["results"]
    splits = {row["path"]: row for row in run.splits()}
    for split, key in (("validation", "val_accuracy"), ("test", "test_accuracy")):
        rows = [row for row in run.predictions() if row["split"] == split]
        assert {row["path"] for row in rows} == {
            path for path, row in splits.items() if row["split"] == split
        }
        assert results[key]["value"] == np.mean([row["label"] == row["predicted"] for row in rows])
        assert results[key]["n"] == len(rows) == 16
        assert results[key]["kind"] == "measured"
        for row in rows:
            sure = np.exp(-row["loss"])  # the probability of the true class
            agrees = row["label"] == row["predicted"]
            assert row["confidence"] == pytest.approx(sure if agrees else 1 - sure, abs=1e-5)
    assert run.summary()["test_scored"] == 1


def test_the_best_epoch_is_the_one_that_was_scored(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    best = run.metrics()[run.summary()["best_epoch"] - 1]
    assert run.summary()["results"]["val_accuracy"]["value"] == pytest.approx(best["val_accuracy"])


@pytest.mark.parametrize("strategy", ["head", "top-block", "full", "linear@block2"])
def test_each_strategy_runs_and_trains_what_it_says(
    strategy: str, tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        summary = finetune.run(changed(tiny_config, strategy, epochs=1), run)
    parameters = {
        "head": 512 * 2 + 2,
        "linear@block2": 128 * 2 + 2,
        "top-block": 3 * (512 * 512 * 9 + 512) + 512 * 2 + 2,
        "full": 14_714_688 + 512 * 2 + 2,
    }
    assert summary["trainable_parameters"] == parameters[strategy]
    # From random weights, `full` is one stage: there is nothing that an untrained head could spoil.
    stages = [row["stage"] for row in RunDirectory.read(tmp_path / "run").metrics()]
    expected = {"top-block": ["head", "head", "top-block"], "full": ["full"]}
    assert stages == expected.get(strategy, ["head" if strategy == "head" else strategy])


def test_frozen_features_are_computed_once(tiny_config: Finetune, shared_cache: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    progress = Silent()
    progress.stage = lambda name, total, unit: stages.append(name)  # type: ignore[method-assign]
    config = Finetune.model_validate(changed(tiny_config, "linear@block3").model_dump() | {"seed": 11})
    for name in ("first", "second"):
        with RunDirectory.create(tmp_path / name) as run:
            finetune.run(config, run, progress)
    assert stages.count("frozen features") == 3  # training, validation and test, in the first run alone


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from functools import partial
    from dlpractice.config.load import load_config
    from dlpractice.recipes.finetune import finetune
    from dlpractice.recipes.finetune import stages
    from dlpractice.runs.directory import RunDirectory
    from dlpractice.progress import Silent
    from dlpractice.training.checkpoints import Checkpoints

    folder, config, last_step = sys.argv[1], sys.argv[2], int(sys.argv[3])
    stages.Checkpoints = partial(Checkpoints, interval=0.0)  # a checkpoint after every step

    class Killer(Silent):
        steps = 0

        def batch(self, *position):
            self.steps += 1
            if self.steps == last_step:
                os.kill(os.getpid(), signal.SIGKILL)

    with RunDirectory.resume_or_create(folder) as run:
        finetune.run(load_config(config), run, Killer())
    """
)


def train_in_subprocess(folder: Path, config: Path, last_step: int, setup: str = "") -> int:
    command = [sys.executable, "-c", setup + KILLED, str(folder), str(config), str(last_step)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    print(result.stderr)  # shown where the test fails
    return result.returncode


def read_weights(folder: Path) -> list[np.ndarray]:
    import keras

    import dlpractice.recipes.run.saved_model  # noqa: F401, registers the layers

    return list(keras.saving.load_model(folder / "model.keras", compile=False).get_weights())


def test_a_run_killed_in_mid_epoch_ends_with_the_same_bits(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    document = changed(tiny_config, epochs=3).model_dump()
    document["model"]["dropout"] = 0.3
    document["augment"] |= {"mixup": 0.2, "rotation": 10.0}
    config.write_text(dump_config(Finetune.model_validate(document)))
    assert train_in_subprocess(tmp_path / "whole", config, last_step=-1) == 0
    assert train_in_subprocess(tmp_path / "killed", config, last_step=5) == -signal.SIGKILL
    rows_before = RunDirectory.read(tmp_path / "killed").metrics()
    assert len(rows_before) == 1  # three steps an epoch: it died in the second
    assert train_in_subprocess(tmp_path / "killed", config, last_step=-1) == 0
    whole, killed = read_weights(tmp_path / "whole"), read_weights(tmp_path / "killed")
    for ours, theirs in zip(killed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    first, second = (RunDirectory.read(tmp_path / name) for name in ("whole", "killed"))
    assert first.predictions() == second.predictions()
    assert [row["val_loss"] for row in first.metrics()] == [row["val_loss"] for row in second.metrics()]


def test_two_devices_end_where_one_does(
    tiny_config: Finetune,
    shared_cache: Path,
    tmp_path: Path,
    logical_devices: Callable[[int], str],
) -> None:
    for devices in (1, 2):
        document = changed(
            tiny_config, "top-block", epochs=1, optimizer="sgd", learning_rate=1e-4, head_learning_rate=1e-4
        ).model_dump()
        document["hardware"]["devices"] = devices
        document["training"]["batch_size"] = 10  # 48 images: batches of 9 and 10, dealt out unevenly
        config = tmp_path / f"{devices}.yaml"
        config.write_text(dump_config(Finetune.model_validate(document)))
        assert train_in_subprocess(tmp_path / str(devices), config, -1, logical_devices(2)) == 0
    environment = json.loads((tmp_path / "2" / "environment.json").read_text())
    assert environment["devices"] == ["/CPU:0", "/CPU:1"]
    for ours, theirs in zip(read_weights(tmp_path / "2"), read_weights(tmp_path / "1"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_run_is_not_continued_with_another_config_or_other_data(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(changed(tiny_config, epochs=1), run)
    (tmp_path / "run" / "summary.json").unlink()
    with RunDirectory.resume(tmp_path / "run") as run:
        with pytest.raises(RunError, match="another config"):
            finetune.run(changed(tiny_config, epochs=2), run)
        environment = run.environment()
        environment["data"]["digest"] = "0" * 64
        run.write_environment(environment)
        with pytest.raises(RunError, match="other data"):
            finetune.run(changed(tiny_config, epochs=1), run)


def test_a_run_goes_on_in_the_precision_that_it_began_in(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = changed(tiny_config, epochs=1).model_dump() | {"hardware": {"precision": "auto", "devices": 1}}
    answers = iter([("bfloat16", {"bfloat16": 1.0}), ("float32", {"float32": 1.0})])
    monkeypatch.setattr("dlpractice.recipes.run.device_choice.choose_precision", lambda device: next(answers))
    config = Finetune.model_validate(document)
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(config, run)
    (tmp_path / "run" / "summary.json").unlink()
    with RunDirectory.resume(tmp_path / "run") as run:
        finetune.run(config, run)
        assert run.environment()["precision"] == "bfloat16"


def test_a_finished_run_is_left_as_it_is_and_asked_for_by_its_own_config(
    tiny_config: Finetune, finished_run: Path, shared_cache: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in finished_run.iterdir()}
    with RunDirectory.resume(finished_run) as run:
        assert finetune.run(tiny_config, run) == run.summary()
        with pytest.raises(RunError, match="another config"):
            finetune.run(changed(tiny_config, epochs=50), run)
    assert {path.name: path.stat().st_mtime_ns for path in finished_run.iterdir()} == before
