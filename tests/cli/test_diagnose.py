"""`dlp diagnose` from the shell."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.load import dump_config, load_config
from dlpractice.errors import RunError
from dlpractice.runs.directory import RunDirectory

runner = CliRunner()
LOSSES = np.linspace(1, 0.1, 40).tolist()
VALLEY = [*np.linspace(1, 0.5, 20), *np.linspace(0.5, 0.9, 20)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history that overfits, in the working folder of a terminal of 80 columns."""
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    Path("history.json").write_text(json.dumps({"loss": LOSSES, "holdout": VALLEY}))
    return tmp_path


def make_run(path: Path, val_error: float = 0.3) -> None:
    """A finished run that knows 300 training images by heart."""
    with RunDirectory.create(path) as run:
        run.write_config(dump_config(load_config("digits", [], "finetune")))
        rows = [
            {
                "path": f"{split}{number}",
                "label": "ab"[number % 2],
                "split": split,
                "sha256": f"{split}{number}",
            }
            for split in ("train", "validation", "test")
            for number in range(300)
        ]
        run.write_splits(rows)
        for epoch in range(1, 11):
            run.append_metrics(
                {
                    "stage": "linear@block4",
                    "epoch": epoch,
                    "learning_rate": 1e-3,
                    "loss": 0.7 / epoch,
                    "accuracy": 1.0,
                    "val_loss": 0.7,
                    "val_accuracy": 1 - val_error,
                }
            )
        run.write_predictions([])
        run.write_summary({"results": {}, "best_epoch": 10, "trainable_parameters": 5130})


def test_a_log_of_somebody_else() -> None:
    shown = runner.invoke(app, ["diagnose", "history.json", "--column", "val_loss=holdout"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Overfitting: the validation loss rose from")
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80
    assert "val_loss, epoch 1 to 40" in shown.stdout
    silent = runner.invoke(app, ["diagnose", "history.json"])
    assert silent.stdout.startswith("Insufficient evidence: 40 epochs; no")


def test_as_json_and_exit_status() -> None:
    command = ["diagnose", "history.json", "--column", "val_loss=holdout", "--json"]
    shown = runner.invoke(app, [*command, "--fail-on", "warning"])
    assert shown.exit_code == 3
    document = json.loads(shown.stdout)
    assert document["findings"][0]["name"] == "overfitting"
    assert {"name", "severity", "confidence", "evidence", "remedy", "overrides"} <= document["findings"][
        0
    ].keys()
    assert runner.invoke(app, [*command, "--fail-on", "error"]).exit_code == 0


def test_a_run_and_its_next_config() -> None:
    make_run(Path("run"))
    shown = runner.invoke(app, ["diagnose", "run", "--write-config", "next.yaml", "--target-error", "0"])
    assert shown.exit_code == 0, shown.output
    assert "overfitting" in shown.stdout
    assert shown.stderr == "written: next.yaml\n"
    assert runner.invoke(app, ["config", "check", "next.yaml"]).exit_code == 0
    assert load_config("next.yaml", [], "finetune").model.dropout == 0.5


def test_a_folder_of_runs() -> None:
    for name, error in (("head", 0.3), ("scratch", 0.02)):
        make_run(Path("all", name, "seed-0"), error)
    Path("all", "comparison.json").write_text("{}")
    shown = runner.invoke(app, ["diagnose", "all"])
    assert shown.exit_code == 0, shown.output
    assert "all/head/seed-0" in shown.stdout
    assert runner.invoke(app, ["diagnose", "all", "--fail-on", "warning"]).exit_code == 3
    refused = runner.invoke(app, ["diagnose", "all", "--write-config", "next.yaml"])
    assert isinstance(refused.exception, RunError)


def test_findings_are_shown_though_there_is_no_config_to_write() -> None:
    command = ["diagnose", "history.json", "--column", "val_loss=holdout"]
    refused = runner.invoke(app, [*command, "--write-config", "next.yaml"])
    assert isinstance(refused.exception, RunError)
    assert refused.stdout.startswith("Overfitting")
    assert not Path("next.yaml").exists()


def test_usage() -> None:
    for option in (["--seeds", "2"], ["--run-dir", "trial"]):
        refused = runner.invoke(app, ["diagnose", "history.json", *option])
        assert refused.exit_code == 2
        assert "it belongs to --try" in refused.stderr
    assert isinstance(runner.invoke(app, ["diagnose", "absent"]).exception, RunError)
    assert runner.invoke(app, ["diagnose", "history.json", "--column", "val_loss"]).exit_code == 2
    assert runner.invoke(app, ["diagnose", "history.json", "--target-error", "3"]).exit_code == 2
    assert runner.invoke(app, ["diagnose", "history.json", "--fail-on", "info"]).exit_code == 2


def test_tensorflow_stays_out() -> None:
    code = (
        "import sys; from dlpractice.cli.main import app; "
        "app(['diagnose', 'history.json'], standalone_mode=False); "
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=1200, check=True
    )
    assert shown.stdout.splitlines()[-1] == "[]"
