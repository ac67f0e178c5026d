"""Strategies and seeds compared on tiny data."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Finetune
from dlpractice.progress import Silent
from dlpractice.recipes.finetune import comparison, finetune
from dlpractice.runs.comparison_folder import Comparison
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_difference
from dlpractice.statistics.shares import accuracy
from dlpractice.training.devices.precision_choice import Choice

STRATEGIES = ("scratch", "linear@block1", "head")


class Listener(Silent):
    """Remembers the stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, name: str, total: int, unit: str) -> None:
        self.stages.append(name)


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def folder(
    tiny_config: Finetune, shared_cache: Path, listener: Listener, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A comparison of three strategies with two seeds each, from a base that no other test uses."""
    path = tmp_path_factory.mktemp("comparison") / "c"
    document = tiny_config.model_dump() | {"seed": 5}
    document["data"]["image_size"] = 33
    document["strategies"] = {"head": {"training": {"epochs": 2}}}
    with Comparison.create(path) as opened:
        comparison.run(Finetune.model_validate(document), STRATEGIES, 2, opened, listener)
    return path


def correct(path: Path, split: str) -> np.ndarray:
    rows = sorted(
        (row for row in RunDirectory.read(path).predictions() if row["split"] == split),
        key=lambda r: r["path"],
    )
    return np.array([row["label"] == row["predicted"] for row in rows], float)


def test_rows_are_what_the_runs_say(folder: Path) -> None:
    rows = {row["strategy"]: row for row in json.loads((folder / "comparison.json").read_text())["rows"]}
    assert tuple(rows) == STRATEGIES
    means = {
        (name, split): np.mean([correct(folder / run, split) for run in row["runs"]], axis=0)
        for name, row in rows.items()
        for split in ("validation", "test")
    }
    losses = {
        name: np.mean(
            [
                prediction["loss"]
                for run in row["runs"]
                for prediction in RunDirectory.read(folder / run).predictions()
                if prediction["split"] == "validation"
            ]
        )
        for name, row in rows.items()
    }
    best = max(STRATEGIES, key=lambda name: (means[name, "validation"].mean(), -losses[name]))
    for name, row in rows.items():
        assert row["runs"] == [f"{name}/seed-5", f"{name}/seed-6"]
        assert row["val_accuracy"] == accuracy(means[name, "validation"]).to_json()
        assert row["test_accuracy"]["value"] == means[name, "test"].mean()
        singles = [correct(folder / run, "test").mean() for run in row["runs"]]
        assert row["test_accuracy"]["std_over_seeds"] == pytest.approx(np.std(singles, ddof=1))
        if name == best:
            assert row["difference"] is None
        else:
            assert row["difference"] == paired_difference(means[name, "test"], means[best, "test"]).to_json()


def test_strategies_share_the_split_and_one_pass_over_the_frozen_base(
    folder: Path, listener: Listener
) -> None:
    first, *others = [RunDirectory.read(folder / name / "seed-5").splits() for name in STRATEGIES]
    assert all(other == first for other in others)
    # One stage for each of the three splits, for `linear@block1` and `head` together, before any training.
    assert listener.stages.index("training scratch") > 2
    assert listener.stages[: listener.stages.index("training scratch")].count("frozen features") == 3


def test_each_run_can_be_repeated_from_its_own_config(folder: Path) -> None:
    from dlpractice.config.load import load_config

    config = load_config(str(folder / "head" / "seed-6" / "config.yaml"))
    assert (config.strategy, config.seed, config.training.epochs) == ("head", 6, 2)


def test_finished_runs_are_kept_and_killed_ones_go_on(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Comparison.create(tmp_path / "c") as opened:
        comparison.run(tiny_config, ["linear@block1"], 2, opened)
    (tmp_path / "c" / "linear@block1" / "seed-1" / "summary.json").unlink()
    trained: list[int] = []
    original = finetune.run

    def counting(config: Finetune, run: RunDirectory, progress: Silent, auto: Choice) -> object:
        if not run.is_finished:
            trained.append(config.seed)
        return original(config, run, progress, auto)

    monkeypatch.setattr(finetune, "run", counting)
    before = json.loads((tmp_path / "c" / "comparison.json").read_text())
    with Comparison.resume(tmp_path / "c") as opened:
        after = comparison.run(tiny_config, ["linear@block1"], 2, opened)
    assert trained == [1]
    assert after["rows"][0]["test_accuracy"] == before["rows"][0]["test_accuracy"]


def test_all_runs_of_a_comparison_compute_in_one_precision(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tiny_config.model_dump() | {"hardware": {"precision": "auto", "devices": 1}}
    config = Finetune.model_validate(document)
    answers = iter([("bfloat16", {"float32": 2.0, "bfloat16": 1.0})] + [("float32", {})] * 9)
    monkeypatch.setattr(
        "dlpractice.recipes.run.device_choice.choose_precision", lambda placement: next(answers)
    )
    for seeds in (1, 2):  # the second time, one run is there and one is to come
        with Comparison.resume(tmp_path / "c") if seeds == 2 else Comparison.create(tmp_path / "c") as opened:
            comparison.run(config, ["linear@block1", "linear@block2"], seeds, opened)
    environments = [run.environment() for run in Comparison.read(tmp_path / "c").runs()]
    assert [environment["precision"] for environment in environments] == ["bfloat16"] * 4
    assert all(environment["precision_timings_seconds"]["bfloat16"] == 1.0 for environment in environments)


@pytest.mark.parametrize(("best_epoch", "expected"), [(2, 0.95), (0, 0.8)])
def test_the_training_accuracy_is_that_of_the_kept_weights(
    best_epoch: int, expected: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The head kept its second epoch; the stage after it kept its own second epoch, or what it began with."""
    rows = [
        {"stage": stage, "epoch": epoch, "accuracy": accurate, "val_loss": loss}
        for stage, epoch, accurate, loss in (
            ("head", 1, 0.7, float("nan")),
            ("head", 2, 0.8, 0.3),
            ("head", 3, 0.9, 0.4),
            ("top-block", 1, 0.92, 0.6),
            ("top-block", 2, 0.95, 0.5),
        )
    ]
    monkeypatch.setattr(RunDirectory, "metrics", lambda self: rows)
    monkeypatch.setattr(RunDirectory, "summary", lambda self: {"best_epoch": best_epoch})
    with RunDirectory.create(tmp_path / "run") as run:
        assert comparison.kept_train_accuracy(run) == expected
