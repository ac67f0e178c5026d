"""`dlp finetune` from the shell: streams, exit status, interruption."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app, main
from dlpractice.config.load import dump_config
from dlpractice.config.schema import Finetune
from dlpractice.errors import DataError, RunError

# `dlp` in a folder, sent a SIGINT in the third epoch of three steps.
INTERRUPTED = """
import os, signal, sys
from dlpractice.cli.main import main
from dlpractice.report.progress_display.plain import PlainProgress
steps = 0
def batch(self, *numbers):
    global steps
    steps += 1
    if steps == 8:
        os.kill(os.getpid(), signal.SIGINT)
PlainProgress.batch = batch
os.chdir(sys.argv.pop(1))
main()
"""


@pytest.fixture
def config(tiny_config: Finetune, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(dump_config(tiny_config))
    return path


@pytest.fixture
def environment(shared_cache: Path) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "80", "DLP_CACHE_DIR": str(shared_cache)}


def dlp(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpractice", "finetune", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=1200, cwd=folder, env=environment, check=False
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["finetune", *arguments])


@pytest.fixture
def in_folder(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process stands in the test's folder, before a terminal of 80 columns."""
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_results_to_stdout_and_progress_to_stderr(
    config: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    done = dlp(tmp_path, environment, "tiny.yaml", "training.epochs=2")
    assert done.returncode == 0
    folder = Path(done.stdout.splitlines()[-1])
    assert folder.parts[:2] == ("runs", "finetune")
    assert (tmp_path / folder / "summary.json").is_file()
    assert "test accuracy" in done.stdout
    # A line per stage and epoch, and not a word of TensorFlow's or absl's.
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        *dict.fromkeys(["reading", "decoding"] if "decoding" in done.stderr else ["reading"]),
        *["warning"] * 2,  # model.weights and training.head_epochs have no effect
        "training scratch",
        "training scratch",
        "training scratch",
        "scoring",
    ]


def test_json_is_one_document(config: Path, in_folder: None, tmp_path: Path) -> None:
    done = invoke("tiny.yaml", "strategy=linear@block1", "--json", "--run-dir", "r")
    document = json.loads(done.stdout)
    assert document["run"] == "r"
    assert document["results"] == json.loads((tmp_path / "r" / "summary.json").read_text())["results"]


def test_a_comparison_prints_a_table_and_draws_it(config: Path, in_folder: None, tmp_path: Path) -> None:
    strategies = "linear@block1,linear@block2"
    done = invoke("tiny.yaml", "--compare", strategies, "--seeds", "2", "--run-dir", "c")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "c"
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert (tmp_path / "c" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    runs = {str(path.relative_to(tmp_path / "c")) for path in (tmp_path / "c").glob("*/*/summary.json")}
    assert len(runs) == 4


def test_a_dry_run_shows_the_resolved_configs_and_does_nothing(
    config: Path, in_folder: None, tmp_path: Path
) -> None:
    done = invoke("tiny.yaml", "--compare", "scratch,head", "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert [one["strategy"] for one in plan["configs"].values()] == ["scratch", "head"]
    assert plan["found"]["head"]["sizes"] == {"train": 48, "validation": 16, "test": 16}
    absent = invoke("tiny.yaml", "data.source=absent", "--dry-run").exception
    assert isinstance(absent, DataError) and "there is no folder or file absent" in absent.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.yaml"]


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(
    config: Path, fork: Callable[..., Any], in_folder: None, tmp_path: Path
) -> None:
    command = ["finetune", "tiny.yaml", "training.epochs=500", "--run-dir", "r"]
    status, _, rest = fork(INTERRUPTED, str(tmp_path), *command).finish()
    assert status == 130
    assert "epoch 2/500" in rest
    assert "--resume --run-dir r" in rest
    assert "Traceback" not in rest
    assert (tmp_path / "r" / "checkpoints").is_dir()
    other = invoke("tiny.yaml", "training.epochs=3", "--run-dir", "r", "--resume").exception
    assert isinstance(other, RunError)
    assert "another config" in other.message
    used = invoke("tiny.yaml", "training.epochs=500", "--run-dir", "r").exception
    assert isinstance(used, RunError)
    assert "--resume" in f"{used.message} {used.hint}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml"),
        (["tiny.yaml", "training.epoch=3"], "training.epochs"),
        (["tiny.yaml", "--resume"], "--resume needs --run-dir"),
        (["tiny.yaml", "--compare", "scratch,haed"], "haed"),
        (["tiny.yaml", "--compare", "scratch,scratch"], "twice"),
        (["tiny.yaml", "--run-dir", "tiny.yaml"], "is a file"),
        (["tiny.yaml", "data.source=nowhere"], "nowhere"),
        (["tiny.yaml", "hardware.devices=9"], "asks for 9 devices"),
        (["tiny.yaml", "strategy=head", "data.image_size=16"], "data.image_size must be 32 or more"),
    ],
)
def test_what_is_wrong_is_one_error_and_one_hint(
    arguments: list[str],
    message: str,
    config: Path,
    shared_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dlp", "finetune", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("error: ") == 1
    assert printed.err.count("hint: ") == 1
    assert printed.out == ""
