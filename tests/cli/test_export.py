"""`dlp export` from the shell."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.report.export_tables import export_table
from dlpractice.runs.directory import RunDirectory

RIGHT = {"value": 0.9, "ci95": [0.8, 0.95], "n": 100, "kind": "measured"}
DOCUMENT = {
    "path": "run.onnx",
    "format": "onnx",
    "quantize": None,
    "images": 100,
    "largest_difference": 2e-7,
    "equal_answers": RIGHT | {"value": 1.0},
    "accuracy_before": RIGHT,
    "accuracy_after": RIGHT,
    "bytes_before": 2_000_000,
    "bytes_after": 1_000_000,
    "milliseconds_before": 2.5,
    "milliseconds_after": 1.25,
}


def test_what_is_said_and_the_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.cache_clear()
    messages.cache_clear()

    class ExportRefused(Exception):
        document, reason = DOCUMENT, "a probability differs by 0.5"

    refuses = [False]

    def run(run: RunDirectory, kind: str, *settings: Any, **classes: Any) -> dict[str, Any]:
        if refuses[0]:
            raise ExportRefused
        assert classes == {"support": None, "index": Path("mine.npz")}
        assert (run.path, kind, settings[:3]) == (tmp_path / "r", "onnx", (None, None, 0.01))
        return dict(DOCUMENT)

    recipe: Any = SimpleNamespace(run=run, ExportRefused=ExportRefused)
    monkeypatch.setitem(sys.modules, "dlpractice.recipes.export.export", recipe)
    with RunDirectory.create(tmp_path / "r") as directory:
        directory.write_config("command: finetune\n")
    arguments = ["export", str(tmp_path / "r"), "--format", "onnx", "--index", "mine.npz"]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[1] == ["Keras", "90.0", "80.0-95.0", "2.00", "2.50"]
    assert lines[2] == ["onnx", "90.0", "80.0-95.0", "1.00", "1.25"]
    assert lines[-1] == ["written:", "run.onnx"]
    refuses[0] = True
    refused = CliRunner().invoke(app, [*arguments, "--json"])
    assert refused.exit_code == 3
    assert json.loads(refused.stdout) == DOCUMENT | {"passed": False}
    assert "differs by 0.5, and no file is left" in refused.stderr
    assert CliRunner().invoke(app, [*arguments[:2], "--format", "pickle"]).exit_code == 2
    assert CliRunner().invoke(app, [*arguments, "--support", "mine"]).exit_code == 2


def test_an_encoder_shows_its_embeddings() -> None:
    results.cache_clear()
    document = DOCUMENT | {"passed": True, "largest_embedding_difference": 2e-6, "largest_embedding": 3.5}
    with results().capture() as shown:
        results().print(export_table(document))
    assert "an embedding 2.0e-06, where the largest is 3.5" in " ".join(shown.get().split())
