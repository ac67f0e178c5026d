"""A search on tiny images: killed, gone on with, and read by the other commands."""

import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.config.search_space import SearchSpace, load_space
from dlpractice.diagnosis.several_runs import diagnose_group
from dlpractice.errors import RunError
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.search import search
from dlpractice.recipes.runs import compare_runs
from dlpractice.runs.comparison_folder import Search
from dlpractice.runs.directory import RunDirectory
from dlpractice.runs.listing import find_runs

OVER = ["training.learning_rate=1e-5..3e-1:log", "model.dropout=0,0.5"]
BUDGET = 6


class Killed(BaseException):
    """Ends a search in this process as SIGKILL would."""


class Trainer:
    """Stands in for training: each run's accuracy follows from its learning rate.

    It is killed after epoch `last` over all runs. The checkpoint that it goes on from is one epoch older
    than the run's metrics.
    """

    def __init__(self) -> None:
        self.last, self.epochs, self.folders = 0, 0, list[str]()

    def run(
        self,
        config: Finetune,
        run: RunDirectory,
        progress: object,
        auto: object,
        *,
        score_test: bool = True,
        watch: Callable[[RunDirectory], None] | None = None,
    ) -> None:
        if run.is_finished:
            return
        self.folders.append(run.path.parent.name)
        if not run.is_prepared:
            run.write_config(dump_config(config))
            run.write_splits(
                {
                    "path": f"{n}",
                    "label": "a",
                    "split": "validation",
                    "sha256": "",
                    "group": "",
                    "bound": f"{n}",
                }
                for n in range(200)
            )
            run.write_environment({"precision": "float32", "precision_timings_seconds": {}})
        run.truncate_metrics(max(0, len(run.metrics()) - 1))
        quality = 1 - abs(math.log10(config.training.learning_rate) + 2.2) / 3
        for epoch in range(len(run.metrics()) + 1, config.training.epochs + 1):
            accuracy = round(200 * quality * (1 - 0.5**epoch)) / 200
            row = {
                "stage": "head" if epoch < 3 else "top-block",
                "epoch": epoch,
                "step": epoch,
                "seconds": 1.0,
            }
            scores = {"loss": 1.0, "accuracy": 1.0, "val_loss": 1 - accuracy, "val_accuracy": accuracy}
            run.append_metrics(row | scores | {"learning_rate": 0.1, "images_per_second": 1.0})
            self.epochs += 1
            if self.epochs == self.last:
                raise Killed
            if watch is not None:
                watch(run)
        run.write_predictions(
            {"path": f"{n}", "split": split, "label": "a", "predicted": "a" if n < 200 * accuracy else "b"}
            | {"confidence": 1.0, "loss": 0.1}
            for split in ("validation", "test")[: 1 + score_test]
            for n in range(200)
        )
        result = {"value": accuracy, "ci95": [0.0, 1.0], "n": 200, "kind": "measured"}
        names = ("val_accuracy", "test_accuracy")[: 1 + score_test]
        run.write_summary(
            {"results": dict.fromkeys(names, result), "best_epoch": epoch - 2, "test_scored": int(score_test)}
            | {"trainable_parameters": 7, "seconds": 1.0, "epochs": epoch, "strategy": config.strategy}
        )


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    stand_in = Trainer()
    monkeypatch.setattr(finetune, "run", stand_in.run)
    return stand_in


@pytest.fixture(scope="module")
def space(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchSpace:
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    file.write_text(dump_config(tiny_config))
    return load_space(str(file), ["model.width=0.1", "training.epochs=10"], OVER)


def go_on(space: SearchSpace, folder: Path, budget: int = BUDGET, seeds: int = 1) -> dict[str, Any]:
    with Search.resume_or_create(folder) as opened:
        return search.run(space, budget, seeds, opened)


def read_study(folder: Path) -> list[tuple[Any, ...]]:
    query = (
        "select t.number, t.state, p.param_name, p.param_value from trials t join trial_params p "
        "on t.trial_id = p.trial_id order by 1, 3"
    )
    with closing(sqlite3.connect(folder / "study.sqlite3")) as connection:
        return connection.execute(query).fetchall()


def test_a_killed_search_loses_and_repeats_nothing(
    space: SearchSpace, trainer: Trainer, tmp_path: Path
) -> None:
    """Killed after every few epochs, it tries, gives up and chooses what an undisturbed one does."""
    whole = go_on(space, tmp_path / "whole")
    ended, trainer.epochs = trainer.epochs, 0
    kills = 0
    while True:
        trainer.last = trainer.epochs + 5
        try:
            document = go_on(space, tmp_path / "killed")
        except Killed:
            kills += 1
        else:
            break
    assert kills > 5
    assert document == whole
    assert read_study(tmp_path / "killed") == read_study(tmp_path / "whole")
    assert trainer.epochs <= ended + 2 * kills  # a kill costs what came after the checkpoint
    assert {row["state"] for row in whole["rows"]} == {"finished", "given up"}


def test_the_best_is_found_and_what_is_given_up_is_worse_by_more_than_noise(
    space: SearchSpace, trainer: Trainer, tmp_path: Path
) -> None:
    document = go_on(space, tmp_path, budget=20)
    rows, chosen = document["rows"], document["chosen"]
    best = max(row["val_accuracy"]["value"] for row in rows)
    assert chosen["val_accuracy"]["value"] == best > 0.9
    assert abs(math.log10(float(chosen["value"]["training.learning_rate"])) + 2.2) < 0.3
    for row in rows:
        scores = [epoch["val_accuracy"] for epoch in RunDirectory.read(tmp_path / row["runs"][0]).metrics()]
        assert row["epochs"] == len(scores)
        if row["state"] == "given up":
            assert len(scores) in (3, 9)  # over both stages
            rivals = [
                RunDirectory.read(tmp_path / other["runs"][0]).metrics()[len(scores) - 1]["val_accuracy"]
                for other in rows
                if other["epochs"] >= len(scores)
            ]
            noise = math.sqrt(sum(p * (1 - p) for p in (scores[-1], max(rivals))) / 200)
            assert max(rivals) - scores[-1] > 1.5 * noise


def test_a_setting_that_was_tried_is_not_trained_again(
    space: SearchSpace, trainer: Trainer, tmp_path: Path
) -> None:
    few = load_space(space.name, space.overrides, ["model.dropout=0,0.5"])
    document = go_on(few, tmp_path / "s", budget=5, seeds=2)
    assert len(trainer.folders) == 4 and trainer.folders[2:] == ["chosen", "chosen"]
    assert [row["name"] for row in document["rows"]] == [f"trial-{number:03d}" for number in range(5)]
    assert document["chosen"]["seeds"] == [0, 1]


def test_a_search_of_something_else_is_refused(space: SearchSpace, trainer: Trainer, tmp_path: Path) -> None:
    go_on(space, tmp_path, budget=1)
    assert go_on(space, tmp_path, budget=1)["rows"]  # the same once more
    other = [*space.overrides, "model.dropout=0.1"]
    for changed in (
        load_space(space.name, space.overrides, OVER[:1]),
        load_space(space.name, other, OVER[:1]),
    ):
        with pytest.raises(RunError, match="another config, or over other ranges"):
            go_on(changed, tmp_path)
    with pytest.raises(RunError, match="has ended"):
        go_on(space, tmp_path, budget=2)
    (tmp_path / "study.sqlite3").write_bytes(b"no database, but long enough to be one" * 100)
    with pytest.raises(RunError, match="cannot be read as a study"):
        go_on(space, tmp_path)


def test_the_command_trains_and_other_commands_read_the_folder(space: SearchSpace, tmp_path: Path) -> None:
    """On a real net."""
    results.cache_clear()
    messages.cache_clear()
    folder = tmp_path / "search"
    over = [part for text in OVER for part in ("--over", text)]
    command = ["finetune", space.name, "model.width=0.1", "training.epochs=1", "--search", "2", *over]
    shown = CliRunner().invoke(app, [*command, "--run-dir", str(folder)], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].split()[:4] == ["trial", "learning_rate", "dropout", "epochs"]
    assert max(map(len, lines[: lines.index("")])) <= 80
    assert any(line.startswith("chosen by validation: trial-00") for line in lines)
    document = json.loads((folder / "search.json").read_text())
    scored = [RunDirectory.read(folder / row["runs"][0]).summary()["test_scored"] for row in document["rows"]]
    assert scored == [0, 0]
    assert RunDirectory.read(folder / document["chosen"]["runs"][0]).summary()["test_scored"] == 1
    found = diagnose_group(folder)
    assert [finding.name for finding in found.findings] == ["best setting"]
    assert found.findings[0].overrides[0].startswith("training.learning_rate=")
    assert len(find_runs(folder)) == len(compare_runs.run([folder])["runs"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--search", "3"], "nothing to search"),
        (["--over", OVER[0]], "--over says what --search tries"),
        (["--search", "3", "--over", OVER[0], "--sweep", "model.width=1,2"], "--sweep goes without --search"),
    ],
)
def test_what_is_wrong_is_said_first(
    space: SearchSpace, tmp_path: Path, options: list[str], message: str
) -> None:
    shown = CliRunner().invoke(app, ["finetune", space.name, "--run-dir", str(tmp_path / "s"), *options])
    assert message in str(shown.exception)
    assert not (tmp_path / "s").exists()
    assert CliRunner().invoke(app, ["finetune", space.name, "--search", "0"]).exit_code == 2
