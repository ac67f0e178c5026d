"""Sweeps made by the real command on tiny images, and what `dlp diagnose` reads in them."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.diagnosis.several_runs import diagnose_group
from dlpractice.progress import Silent
from dlpractice.recipes.finetune import comparison, finetune, sweep
from dlpractice.runs.comparison_folder import Sweep
from dlpractice.runs.directory import RunDirectory

FRACTIONS = ("0.2", "0.4", "0.7", "1")
runner = CliRunner()


class Listener(Silent):
    """Remembers how many images the frozen base was asked for."""

    def __init__(self) -> None:
        self.frozen: list[int] = []

    def stage(self, name: str, total: int, unit: str) -> None:
        if name == "frozen features":
            self.frozen.append(total)


@pytest.fixture(scope="module")
def command(tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    file.write_text(dump_config(tiny_config))
    return ["finetune", str(file)]


@pytest.fixture(scope="module")
def widths(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three widths."""
    folder = tmp_path_factory.mktemp("sweep") / "widths"
    results.cache_clear()
    messages.cache_clear()
    sweep_widths = ["--sweep", "model.width=0.1,0.2,0.4", "--seeds", "1", "--run-dir", str(folder)]
    shown = runner.invoke(app, [*command, *sweep_widths], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    (folder / "shown.txt").write_text(shown.stdout)
    return folder


def test_the_table_is_what_the_runs_say(widths: Path) -> None:
    document = json.loads((widths / "sweep.json").read_text())
    assert (document["key"], [row["value"] for row in document["rows"]]) == ("model.width", [0.1, 0.2, 0.4])
    for row in document["rows"]:
        runs = [RunDirectory.read(widths / name) for name in row["runs"]]
        assert [run.path.name for run in runs] == ["seed-0"]
        kept = [run.metrics()[run.summary()["best_epoch"] - 1] for run in runs]
        assert row["train_accuracy"] == pytest.approx(np.mean([epoch["accuracy"] for epoch in kept]))
        assert row["val_accuracy"]["value"] == pytest.approx(
            np.mean([epoch["val_accuracy"] for epoch in kept])
        )
        assert {run.summary()["test_scored"] for run in runs} == {1}
        assert [run.config_tree()["model"]["width"] for run in runs] == [row["value"]]
    sizes = [row["trainable_parameters"] for row in document["rows"]]
    assert sizes == sorted(set(sizes))


def test_what_is_printed(widths: Path) -> None:
    lines = (widths / "shown.txt").read_text().splitlines()
    table = lines[: lines.index("")]
    assert table[0].split() == ["model.width", "params", "train", "val", "95", "%", "test", "95", "%", "s"]
    assert [line.split()[0] for line in table[1:]] == ["0.1", "0.2", "0.4"]
    assert max(map(len, table)) <= 80
    assert any(line.startswith("chosen by validation: model.width 0.") for line in lines)


def test_finished_runs_are_kept(widths: Path, tiny_config: Finetune, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(finetune, "train_stages", never)
    variants = {
        f"model.width={width}": tiny_config.model_copy(
            update={"model": tiny_config.model.model_copy(update={"width": width})}
        )
        for width in (0.1, 0.2, 0.4)
    }
    before = json.loads((widths / "sweep.json").read_text())
    with Sweep.resume(widths) as opened:
        after = sweep.run(variants, ["model.width"], 1, opened)
    assert after["rows"] == before["rows"]


def test_diagnose_reads_a_sweep_of_sizes(widths: Path) -> None:
    found = diagnose_group(widths)
    document = json.loads((widths / "sweep.json").read_text())
    assert found.axis == "model.width"
    assert [point.place for point in found.points] == [0.1, 0.2, 0.4]
    for point, row in zip(found.points, document["rows"], strict=True):
        assert point.val == pytest.approx(1 - row["val_accuracy"]["value"])
        assert point.train == pytest.approx(1 - row["train_accuracy"])
        assert point.parameters == row["trainable_parameters"]
    assert [finding.name for finding in found.findings] == ["best size"]


def test_subsets_share_one_pass_and_validation(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    document = tiny_config.model_dump() | {"strategy": "linear@block1"}
    document["data"]["image_size"] = 34  # whose features no other test computes
    variants = {}
    for fraction in FRACTIONS:
        document["data"]["fraction"] = float(fraction)
        variants[f"data.fraction={fraction}"] = Finetune.model_validate(document)
    listener = Listener()
    with Sweep.create(tmp_path / "s") as opened:
        table = sweep.run(variants, ["data.fraction"], 1, opened, listener)
    assert sum(listener.frozen) == 80  # every image once: 48 to train on, 16 and 16 to score
    runs = [RunDirectory.read(tmp_path / "s" / row["runs"][0]) for row in table["rows"]]
    used = [{row["path"] for row in run.splits() if row["split"] == "train"} for run in runs]
    assert [len(paths) for paths in used] == [10, 20, 34, 48]
    assert used[0] < used[1] < used[2] < used[3]
    scored = [[row["path"] for row in run.predictions()] for run in runs]
    assert all(paths == scored[0] for paths in scored)
    found = diagnose_group(tmp_path / "s", target_error=0.0)
    assert [point.place for point in found.points] == [10, 20, 34, 48]
    assert [finding.name for finding in found.findings] == ["learning curve"]
    assert comparison.kept_train_accuracy(runs[-1]) == table["rows"][-1]["train_accuracy"]


def test_a_dry_run_checks_and_does_nothing(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "dry"
    sweep_of = [*command, "--run-dir", str(folder), "--dry-run", "--json", "--sweep"]
    shown = runner.invoke(app, [*sweep_of, "training.batch_size=8,16"])
    document = json.loads(shown.stdout)
    assert [config["training"]["batch_size"] for config in document["configs"].values()] == [8, 16]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sweep", "model.width=0.1,0.2", "--sweep", "model.width=0.3,0.5"], "names model.width twice"),
        (["--sweep", "model.width=0.1,0.2", "--compare", "head,scratch"], "--compare goes without --sweep"),
        (["--sweep", "model.width=0.1,20"], "model.width must be in"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    command: list[str], options: list[str], message: str, tmp_path: Path
) -> None:
    shown = runner.invoke(app, [*command, "--run-dir", str(tmp_path / "s"), *options])
    assert message in str(shown.exception)
    assert not (tmp_path / "s").exists()
