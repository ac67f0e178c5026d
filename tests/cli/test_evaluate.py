"""`dlp evaluate` from the shell."""

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.errors import DataError, DlpError, RunError
from dlpractice.runs.directory import RunDirectory


def test_table_document_csv_and_figures(
    finished_run: Path, tiny_data: Path, shared_cache: Path, tmp_path: Path
) -> None:
    results.cache_clear()
    messages.cache_clear()
    before = {path: path.stat().st_mtime_ns for path in finished_run.rglob("*")}
    arguments = ["evaluate", str(finished_run), str(tiny_data)]
    figures = ["--output", str(tmp_path / "figures"), "--coverage", "0.8"]
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments, *figures], catch_exceptions=False)
    document = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    result = json.loads(document.stdout)
    assert {"accuracy", "per_class", "class_names", "confusion", "unreadable"} < set(result)
    assert result["accuracy"]["n"] == 80
    assert "warning: 48 of 80 images are ones that the model was trained on" in shown.stderr
    assert f"{100 * result['accuracy']['value']:.1f} % right" in shown.stdout
    assert "of the validation images" in shown.stdout
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"confusion.png", "reliability.png"} | ({"mistakes.png"} if result["mistakes"] else set())
    # Nothing of a user's is written over, and that is said before the images are read.
    taken = CliRunner().invoke(app, ["evaluate", str(finished_run), "nowhere", *figures])
    assert isinstance(taken.exception, DataError) and "is there already" in taken.exception.message
    rows = CliRunner().invoke(app, [*arguments, "--csv"], catch_exceptions=False).stdout.splitlines()
    names = [(row["kind"], row["name"], row["n"]) for row in csv.DictReader(rows)]
    assert names[:2] == [("class", "cold", "40"), ("class", "warm", "40")] and len(names) == 5
    for wrong in (["--json", "--csv"], ["--coverage", "2"], ["--min-confidence", "0.9", "--coverage", "0.5"]):
        assert CliRunner().invoke(app, [*arguments, *wrong]).exit_code == 2
    assert {path: path.stat().st_mtime_ns for path in finished_run.rglob("*")} == before


def test_a_file_is_evaluated_as_its_run_is(finished_run: Path, tiny_data: Path, shared_cache: Path) -> None:
    results.cache_clear()
    messages.cache_clear()
    file = str(finished_run / "model.keras")
    done = CliRunner().invoke(app, ["evaluate", file, str(tiny_data)], catch_exceptions=False)
    assert "whether the model was trained on some of these images is not known" in done.stdout
    refused = CliRunner().invoke(app, ["evaluate", file, str(tiny_data), "--providers", "CPU"])
    assert isinstance(refused.exception, DlpError) and "--providers" in refused.exception.hint


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
    refused = CliRunner().invoke(app, ["evaluate", str(tmp_path / "r"), "faces", "--csv"])
    assert isinstance(refused.exception, RunError) and "--csv" in refused.exception.hint
