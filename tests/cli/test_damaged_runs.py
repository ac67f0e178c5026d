"""Damaged files of a run: every reading command names the file, and shows what is whole.

Two kinds of damage of each file, drawn by a fixed seed: one of those that befall any file, and one of its own
kind. `DLP_DAMAGE=20` tries up to twenty of either, and `DLP_DAMAGE=all` all.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from damage import damage, put

from dlpractice.cli.main import app
from dlpractice.errors import DlpError
from dlpractice.runs.comparison_folder import Comparison

TRIED = os.environ.get("DLP_DAMAGE", "1")
RUN_FILES = (
    *("config.yaml", "summary.json", "environment.json", "audit.json"),
    *("splits.csv", "metrics.csv", "predictions.csv"),
)
Ask = Callable[..., None]


def draw(path: Path) -> list[tuple[str, bytes | None]]:
    kinds = list(damage(path))
    if TRIED == "all":
        return kinds
    rng = random.Random(path.name)
    return rng.sample(kinds[:18], min(18, int(TRIED))) + rng.sample(
        kinds[18:], min(len(kinds) - 18, int(TRIED))
    )


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs commands, each of which may end well, or with an error that has a hint and names the file."""

    def run(file: str, kind: str, *commands: tuple[str | Path, ...]) -> None:
        for command in commands:
            try:
                app([str(word) for word in command], standalone_mode=False)
            except DlpError as error:
                assert Path(file).name in error.message, (command, kind)
                assert error.hint, (command, kind)
            except typer.Exit:
                pass
            except Exception as error:
                raise AssertionError(f"{kind} of {file}: {command}") from error
            capsys.readouterr()

    return run


@pytest.mark.parametrize("file", RUN_FILES)
@pytest.mark.parametrize("command", ["finetune", "oneshot"])
def test_a_damaged_run(
    command: str, file: str, finished_run: Path, finished_oneshot_run: Path, ask: Ask, tmp_path: Path
) -> None:
    whole = finished_run if command == "finetune" else finished_oneshot_run
    for number, (kind, content) in enumerate(draw(whole / file)):
        root = tmp_path / str(number)
        bad, good = root / "bad", root / "good"
        for copy in (bad, good):
            copy.mkdir(parents=True)
            for name in RUN_FILES:
                shutil.copy(whole / name, copy)
        put(bad / file, content)
        ask(file, kind, ("runs", "ls", root), ("diagnose", bad, "--json"), ("diagnose", root))
        ask(file, kind, ("runs", "compare", bad, good), ("runs", "compare", good, bad, "--json"))


def test_a_damaged_run_among_others_is_named_and_the_others_are_shown(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c"):
        shutil.copytree(finished_run, tmp_path / name)
    (tmp_path / "c" / "summary.json").write_text('{"results": null}')
    said = "c/summary.json: results must be a mapping; got null"
    app(["runs", "ls", str(tmp_path)], standalone_mode=False)
    listed = capsys.readouterr().out
    assert said in listed.replace("\n", "") and listed.count("finetune scratch") == 2
    app(["runs", "compare", str(tmp_path)], standalone_mode=False)
    shown = capsys.readouterr()
    assert said in shown.err and f"B  {tmp_path / 'b'}" in shown.out.replace("\n", "")
    app(["diagnose", str(tmp_path)], standalone_mode=False)
    diagnosed = " ".join(capsys.readouterr().out.split())
    assert "a later run was passed over" in diagnosed and "results must be a mapping" in diagnosed


@pytest.fixture
def comparison(finished_run: Path, tmp_path: Path) -> Path:
    """The folder of a comparison with three copies of one run."""
    with Comparison.create(tmp_path / "c") as opened:
        for seed in range(3):
            shutil.copytree(finished_run, opened.run_path("scratch", seed))
        opened.write_table({"rows": [{"strategy": "scratch", "seeds": [0, 1, 2]}], "data": "tiny"})
    return tmp_path / "c"


@pytest.mark.parametrize("file", ["comparison.json", *(f"scratch/seed-1/{name}" for name in RUN_FILES)])
def test_a_damaged_comparison(file: str, comparison: Path, ask: Ask) -> None:
    kept = (comparison / file).read_bytes()
    for kind, content in draw(comparison / file):
        put(comparison / file, content)
        ask(file, kind, ("diagnose", comparison, "--json"), ("runs", "compare", comparison))
        ask(file, kind, ("runs", "ls", comparison))
        if (comparison / file).is_dir():
            (comparison / file).rmdir()
        (comparison / file).write_bytes(kept)


def test_a_damaged_run_of_a_comparison_is_left_out_with_its_reason(
    comparison: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (comparison / "scratch" / "seed-1" / "metrics.csv").write_bytes(b"\0" * 99)
    app(["diagnose", str(comparison)], standalone_mode=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "left out: " in shown and "seed-1/metrics.csv:1 lacks the column" in shown.replace("- ", "-")
    assert "seed-0: " in shown and "seed-2: " in shown
