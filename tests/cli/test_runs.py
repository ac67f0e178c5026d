"""`dlp runs`: its streams and its two shapes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory

runner = CliRunner()
MEASURE = {"value": 0.9, "ci95": [0.8, 0.95], "n": 50, "kind": "measured"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs under runs/, in the working folder of a terminal of 80 columns."""
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        with RunDirectory.create(Path("runs", f"[{seed}]")) as run:
            run.write_config(f"command: finetune\nstrategy: head\nseed: {seed}\n")
            image = {"path": "a.png", "split": "test", "label": "a", "sha256": "0"}
            run.write_splits([image])
            run.write_predictions([{"path": "a.png", "split": "test", "label": "a", "predicted": "a"}])
            run.write_summary({"results": {"test_accuracy": MEASURE}})
    return tmp_path


def test_ls_looks_into_runs() -> None:
    shown = runner.invoke(app, ["runs", "ls"])
    assert shown.exit_code == 0
    assert "runs/[0]" in shown.stdout.splitlines()
    assert "runs/[1]" in shown.stdout.splitlines()
    assert "90.0   80.0-95.0" in shown.stdout


def test_ls_as_json() -> None:
    rows = json.loads(runner.invoke(app, ["runs", "ls", "runs", "--json"]).stdout)
    assert [row["path"] for row in rows] == ["runs/[0]", "runs/[1]"]
    assert rows[0]["test_accuracy"] == MEASURE


def test_ls_of_nothing(folder: Path) -> None:
    (folder / "empty").mkdir()
    shown = runner.invoke(app, ["runs", "ls", "empty"])
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr == "there are no runs in empty\n"
    assert json.loads(runner.invoke(app, ["runs", "ls", "empty", "--json"]).stdout) == []
    assert isinstance(runner.invoke(app, ["runs", "ls", "none"]).exception, RunError)


def test_compare_shows_what_differs() -> None:
    shown = runner.invoke(app, ["runs", "compare", "runs/[0]", "runs/[1]"])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[:2] == ["A  runs/[0]", "B  runs/[1]"]
    assert any(line.split() == ["seed", "0", "1"] for line in lines)
    assert any(line.startswith("B ") and "+0.0" in line for line in lines)


def test_compare_as_json() -> None:
    document = json.loads(runner.invoke(app, ["runs", "compare", "runs/[0]", "runs/[1]", "--json"]).stdout)
    assert document["config"] == {"seed": [0, 1]}
    assert document["runs"][1]["difference"]["value"] == 0


def test_compare_needs_two_runs() -> None:
    assert isinstance(runner.invoke(app, ["runs", "compare", "runs/[0]"]).exception, RunError)
    assert runner.invoke(app, ["runs", "compare"]).exit_code == 2
