"""`dlp oneshot` from the shell: what is asked of the recipes, and one small run."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.config.commands.oneshot import BASELINES
from dlpractice.config.load import dump_config
from dlpractice.config.schema import Oneshot
from dlpractice.errors import DlpError

CONFIG = """\
command: oneshot
method: small
data: {source: glyphs, glyph_alphabets: 3, validation_alphabets: 1, evaluation_alphabets: 1, image_size: 28}
encoder: {name: conv4, width: 0.125}
batch: {classes: 4, examples: 2}
training: {epochs: 2, epoch_steps: 2}
hardware: {precision: float32, devices: 1}
methods:
  flat: {encoder: {name: dense}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(CONFIG)
    return tmp_path


def dlp(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["oneshot", *arguments])


def plan(*arguments: str) -> dict[str, object]:
    done = dlp("tiny.yaml", "--dry-run", "--json", *arguments)
    assert done.exit_code == 0, done.exception
    configs = json.loads(done.stdout)["configs"]
    return {name: config and config["encoder"]["name"] for name, config in configs.items()}


@pytest.fixture
def unprepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is prepared: only what is asked for is looked at."""
    stand_in = SimpleNamespace(run=lambda *arguments: {})
    monkeypatch.setitem(sys.modules, "dlpractice.recipes.oneshot.rehearsal", stand_in)  # type: ignore[arg-type]


@pytest.mark.usefixtures("unprepared")
def test_a_plan_names_the_methods_and_baselines_that_were_asked_for() -> None:
    assert plan() == {"small": "conv4"}
    assert plan("method=flat") == {"flat": "dense"}
    assert plan("--compare", "flat,affine") == {"flat": "dense", "affine": None}
    assert plan("encoder.name=residual", "--compare", "flat") == {"flat": "residual"}


@pytest.mark.usefixtures("unprepared")
def test_the_table_is_all_baselines_and_all_methods() -> None:
    everything = plan("--compare", "table")
    assert list(everything) == [*BASELINES, "small", "flat"]
    assert everything["small"] == "conv4"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["omniglott"], "did you mean omniglot?"),
        (["digits"], "is a config for finetune, not oneshot"),
        (["tiny.yaml", "--compare", "flt"], "no method 'flt'; did you mean flat?"),
        (["tiny.yaml", "--compare", "hausdorf"], "did you mean hausdorff?"),
        (["tiny.yaml", "--compare", "table,flat"], "names flat twice"),
        (["tiny.yaml", "--resume"], "--resume needs --run-dir"),
        (["tiny.yaml", "--run-dir", "tiny.yaml"], "is a file"),
        (["tiny.yaml", "training.epoch=2"], "did you mean training.epochs?"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_read(
    arguments: list[str], message: str, folder: Path
) -> None:
    error = dlp(*arguments).exception
    assert isinstance(error, DlpError)
    assert message in f"{error.message} {error.hint}"
    assert error.hint
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


def test_a_run_from_the_shell(
    tiny_oneshot_config: Oneshot, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    Path("tiny.yaml").write_text(dump_config(tiny_oneshot_config))
    done = dlp("tiny.yaml", "--run-dir", "r")
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    assert lines[-1] == "r"
    summary = json.loads(Path("r/summary.json").read_text())
    # The longest name of a protocol goes on in a line of its own, without numbers.
    rows = [line for line in lines[1:] if line.endswith("measured")]
    for line, (name, measure) in zip(rows, summary["results"].items(), strict=True):
        assert line.startswith(name.replace("_", " ")[:30])
        assert f" {100 * measure['value']:.1f} " in line
    assert all(len(line) <= 80 for line in lines)
    for name in ("training-pairs.png", "embedding.png", "failures-1.png"):
        assert Path("r", name).read_bytes().startswith(b"\x89PNG")
    # A line per stage and epoch, and how long training will take.
    stages = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert stages[-5:] == ["training siamese", "training siamese", "siamese", "training siamese", "testing"]
    assert len(stages) <= 7
