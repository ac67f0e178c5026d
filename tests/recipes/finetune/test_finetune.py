"""Whole runs on tiny data: what they write, and that killing one changes nothing but its duration."""

import csv
import json
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_nets import CHANNELS

from dlpractice.config.schema import Finetune
from dlpractice.errors import RunError
from dlpractice.models.model_file import read_note
from dlpractice.progress import Silent
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.confidence_record import calibrate
from dlpractice.runs.answers import read_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.shares import accuracy
from dlpractice.training.checkpoints import Checkpoints, Position


def changed(config: Finetune, strategy: str | None = None, **training: object) -> Finetune:
    document = config.model_dump()
    document["training"] |= training
    document["strategy"] = strategy or config.strategy
    return Finetune.model_validate(document)


def read_position(folder: Path) -> Position:
    """Where the checkpoint in a run's folder stands; the start where there is none."""
    position, _ = Checkpoints(folder / "checkpoints", 0).read() or (Position(), None)
    return position


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


def test_the_calibration_is_in_the_summary_and_in_the_model(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    found = run.summary()["calibration"]
    rows = [row for row in run.predictions() if row["split"] == "validation"]
    sure = sum(row["confidence"] for row in rows)
    assert found["n"] == len(rows)
    assert sum(one["n"] * one["confidence"] for one in found["bins_before"]) == pytest.approx(sure, rel=1e-5)
    assert found["coverage"][0]["accuracy"]["value"] == run.summary()["results"]["val_accuracy"]["value"]
    note = read_note(run.model_path)
    assert note is not None
    assert note["calibration"]["temperature"] == found["temperature"]
    diverged = np.full((3, 2), np.nan, np.float32)
    assert calibrate(diverged, np.zeros(3, np.int64), ["a", "b", "c"]) is None


def test_images_that_stay_together_are_counted_as_one(
    tiny_config: Finetune, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    """Pairs of frames, in two copies each: what the run says is what its files and `evaluate` say."""
    lines = ["path,label,group"]
    for name in ("cold", "warm"):
        for number in range(20):
            for copy in ("a", "b"):
                file = tmp_path / "data" / name / f"{number}{copy}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes((tiny_data / name / f"{number:02d}.png").read_bytes())
                lines.append(f"{name}/{file.name},{name},{name}-{number // 2}")
    (tmp_path / "data" / "labels.csv").write_text("\n".join(lines))
    tree = changed(tiny_config, epochs=1).model_dump()
    tree["data"] |= {"source": str(tmp_path / "data" / "labels.csv")}
    with RunDirectory.create(tmp_path / "run") as run:
        results = finetune.run(Finetune.model_validate(tree), run)["results"]
    for split, name in (("validation", "val_accuracy"), ("test", "test_accuracy")):
        rows = [row for row in run.predictions() if row["split"] == split]
        frames = [row["path"].replace("/", "-").rstrip("abgnp.") for row in rows]
        films = [f"{frame.split('-')[0]}-{int(frame.split('-')[1]) // 2}" for frame in frames]
        measure = accuracy([row["label"] == row["predicted"] for row in rows], films)
        assert results[name] == measure.to_json() == read_answers(run, split).accuracy().to_json()
        assert (measure.n, measure.groups) == (16, 4)
        assert measure.ci95[1] - measure.ci95[0] > 0.4


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
    head = CHANNELS[-1] * 2 + 2
    blocks = [above * 9 * here + here for above, here in pairwise((3, *CHANNELS))]
    parameters = {
        "head": head,
        "linear@block2": CHANNELS[1] * 2 + 2,
        "top-block": blocks[-1] + head,
        "full": sum(blocks) + head,
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


def test_a_run_killed_in_mid_epoch_ends_with_the_same_bits(
    tiny_config: Finetune,
    shared_cache: Path,
    tmp_path: Path,
    train: Callable[..., int],
    train_in_subprocess: Callable[..., int],
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    document = changed(tiny_config, epochs=3, checkpoint_seconds=0.0, warmup=1.0).model_dump()
    document["model"]["dropout"] = 0.3
    document["augment"] |= {"mixup": 0.2, "rotation": 10.0}
    config = Finetune.model_validate(document)
    assert train(config, tmp_path / "whole") == 9
    assert train_in_subprocess(tmp_path / "killed", config, last_step=5) == -signal.SIGKILL
    position = read_position(tmp_path / "killed")
    assert (position.epoch, position.step, position.optimiser_steps, position.rows) == (1, 1, 4, 1)
    assert train(config, tmp_path / "killed") == 5
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


# At this rate no weight moves: no epoch is better than the first, the rate falls after the sixth, and
# patience ends the training after the ninth.
AT_REST = {"learning_rate": 1e-30, "schedule": "plateau", "patience": 8, "epochs": 20}


@pytest.mark.parametrize(
    ("strategy", "training", "moments"),
    [
        ("scratch", {"epochs": 2, "accumulation_steps": 2}, ["step 1", "epoch 1", "step 2", "scoring"]),
        ("linear@block1", AT_REST, ["epoch 4", "step 7"]),
        ("top-block", {"epochs": 2, "head_epochs": 1}, ["step 5"]),
    ],
)
def test_a_run_goes_on_wherever_it_was_killed(
    strategy: str,
    training: dict[str, Any],
    moments: list[str],
    tiny_config: Finetune,
    shared_cache: Path,
    tmp_path: Path,
    train: Callable[..., int],
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    config = changed(tiny_config, strategy, checkpoint_seconds=0.0, **training)
    steps = train(config, tmp_path / "whole")
    kept = 0
    for moment in moments:
        # The last step is in no checkpoint yet where it was what killed the run.
        kept += train(config, tmp_path / "killed", moment) - moment.startswith("step")
        position = read_position(tmp_path / "killed")
        assert 3 * position.stage + position.optimiser_steps == kept  # three steps make an epoch
    assert train(config, tmp_path / "killed") == steps - kept
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


def test_two_devices_end_where_one_does(
    tiny_config: Finetune,
    shared_cache: Path,
    tmp_path: Path,
    logical_devices: Callable[[int], str],
    train: Callable[..., int],
    train_in_subprocess: Callable[..., int],
    read_weights: Callable[[Path], dict[str, np.ndarray]],
) -> None:
    document = changed(
        tiny_config, "top-block", epochs=1, optimizer="sgd", learning_rate=1e-4, head_learning_rate=1e-4
    ).model_dump()
    document["training"]["batch_size"] = 10  # 48 images: batches of 9 and 10, dealt out unevenly
    train(Finetune.model_validate(document), tmp_path / "1")
    document["hardware"]["devices"] = 2
    two = Finetune.model_validate(document)
    assert train_in_subprocess(tmp_path / "2", two, setup=logical_devices(2)) == 0
    environment = json.loads((tmp_path / "2" / "environment.json").read_text())
    assert environment["devices"] == ["/CPU:0", "/CPU:1"]
    ours, theirs = read_weights(tmp_path / "2"), read_weights(tmp_path / "1")
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)


def test_a_run_is_not_continued_with_another_config_or_other_data(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(changed(tiny_config, epochs=1), run)
    (tmp_path / "run" / "summary.json").unlink()
    with RunDirectory.resume(tmp_path / "run") as run:
        with pytest.raises(RunError, match="another config"):
            finetune.run(changed(tiny_config, epochs=2), run)
        rows = run.splits()
        run.write_splits([*rows[1:], rows[0]])
        with pytest.raises(RunError, match=r"splits\.csv is not as"):
            finetune.run(changed(tiny_config, epochs=1), run)
        environment = run.environment()
        environment["data"]["digest"] = "0" * 64
        run.write_environment(environment)
        with pytest.raises(RunError, match="other data"):
            finetune.run(changed(tiny_config, epochs=1), run)


def test_a_run_goes_on_in_the_precision_that_it_began_in(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    automatic = {"hardware": {"precision": "auto", "devices": 1}}
    document = changed(tiny_config, "linear@block1", epochs=1).model_dump() | automatic
    answers = iter([("bfloat16", {"bfloat16": 1.0}), ("float32", {"float32": 1.0})])
    monkeypatch.setattr(
        "dlpractice.recipes.run.device_choice.choose_precision", lambda placement: next(answers)
    )
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
