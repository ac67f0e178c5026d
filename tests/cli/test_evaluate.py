"""`dlp evaluate` from the shell."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import results
from dlpractice.cli.main import app
from dlpractice.runs.directory import RunDirectory


def test_table_and_document(finished_run: Path, tiny_data: Path, shared_cache: Path) -> None:
    arguments = ["evaluate", str(finished_run), str(tiny_data)]
    environment = {**os.environ, "COLUMNS": "80"}
    shown = subprocess.run(
        [sys.executable, "-m", "dlpractice", *arguments],
        capture_output=True,
        text=True,
        timeout=1200,
        env=environment,
        check=True,
    )
    document = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    result = json.loads(document.stdout)
    assert set(result) == {"accuracy", "per_class", "class_names", "confusion", "unreadable"}
    assert result["accuracy"]["n"] == 80
    assert "warning: 48 of 80 images are ones that the model was trained on" in shown.stderr
    assert f"{100 * result['accuracy']['value']:.1f}" in shown.stdout


def test_a_one_shot_run_answers_one_shot_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.cache_clear()
    measure = {"value": 0.9, "ci95": [0.8, 0.95], "n": 400, "kind": "measured", "errors": 40}
    document = {
        "accuracy": measure,
        "protocol": "5-way-1-shot",
        "results": {"5-way-1-shot": measure},
        "unreadable": [],
    }

    def run(run: RunDirectory, source: str, progress: Any) -> dict[str, Any]:
        assert (run.path, source) == (tmp_path / "r", "faces")
        return document

    recipe: Any = SimpleNamespace(run=run)
    monkeypatch.setitem(sys.modules, "dlpractice.recipes.evaluate.new_classes", recipe)
    with RunDirectory.create(tmp_path / "r") as directory:
        directory.write_config("command: oneshot\n")
    shown = CliRunner().invoke(app, ["evaluate", str(tmp_path / "r"), "faces"])
    line = shown.stdout.splitlines()[1]
    assert line.split() == ["5-way-1-shot", "90.0", "80.0-95.0", "40", "400", "measured"]
    printed = CliRunner().invoke(app, ["evaluate", str(tmp_path / "r"), "faces", "--json"])
    assert json.loads(printed.stdout) == document
