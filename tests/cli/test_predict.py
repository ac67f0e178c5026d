"""`dlp predict` from the shell."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dlpractice.cli.console import messages, results
from dlpractice.cli.main import app
from dlpractice.errors import DataError, RunError
from dlpractice.runs.directory import RunDirectory

ROW = {"path": "a.png", "predicted": "anna", "confidence": 0.9, "known": True, "top": []}


def dlp(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpractice", "predict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)


def test_a_folder_and_a_bad_image(finished_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    done = dlp(finished_run, tiny_data / "warm", tmp_path / "bad.png", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert len(rows) == 41
    assert rows[0]["path"] == str(tiny_data / "warm" / "00.png")
    assert set(rows[-1]) == {"path", "error"}
    assert done.stderr == ""
    table = predict(str(finished_run), str(tiny_data / "warm" / "00.png"))
    assert rows[0]["predicted"] in table.stdout


def test_each_file_is_a_row_whatever_its_name(finished_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    names = ["a.png", "l\udce9t\udce9.png", "two\nlines.png", "\x1b[31mred.png", "te\u0301.png"]
    for name in names:
        shutil.copy(tiny_data / "warm" / "00.png", tmp_path / name)
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    command = [sys.executable, "-m", "dlpractice", "predict", str(finished_run), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, timeout=1200, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    for shown in (rb"l\udce9t\udce9.png ", rb"two\nlines.png ", rb"\x1b[31mred.png ", rb"te\u0301.png "):
        assert shown in done.stdout
    rows = json.loads(dlp(finished_run, tmp_path, "--json").stdout)
    assert [row["path"] for row in rows] == [str(tmp_path / name) for name in sorted(names)]
    assert len({row["confidence"] for row in rows}) == 1


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    done = dlp(tmp_path, "a.png")
    assert done.returncode == 1
    assert "is not a run" in done.stderr


Calls = list[tuple[Any, ...]]


@pytest.fixture
def enrolment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls of the recipe, which answers at once; a classifier and a one-shot run are in the folder."""
    results.cache_clear()
    monkeypatch.chdir(tmp_path)
    calls: Calls = []

    def identify(net: Any, paths: list[str], **examples: Path | None) -> list[dict[str, Any]]:
        calls.append((net.path, paths, examples))
        return [ROW for _ in paths]

    def compare(net: Any, first: str, second: str) -> dict[str, Any]:
        calls.append((net.path, first, second))
        return {"paths": [first, second], "same": True, "score": 0.9, "threshold": 0.5}

    recipe: Any = SimpleNamespace(identify=identify, compare=compare)
    loading: Any = SimpleNamespace(load_net=lambda path, _: SimpleNamespace(path=path))
    monkeypatch.setitem(sys.modules, "dlpractice.recipes.predict.identification", recipe)
    monkeypatch.setitem(sys.modules, "dlpractice.recipes.inference.finished_net", loading)
    for command in ("finetune", "oneshot"):
        with RunDirectory.create(command) as run:
            run.write_config(f"command: {command}\n")
    return calls


def predict(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["predict", *arguments])


def test_a_one_shot_run_takes_examples(enrolment: Calls) -> None:
    done = predict("oneshot", "a.png", "b.png", "--support", "people", "--save-index", "people.npz")
    assert done.exit_code == 0
    examples = {"support": Path("people"), "index": None, "save_index": Path("people.npz")}
    assert enrolment == [(Path("oneshot"), ["a.png", "b.png"], examples)]
    assert "anna" in done.stdout
    assert done.stdout.splitlines()[-1] == "index: people.npz"
    assert json.loads(predict("oneshot", "a.png", "--index", "people.npz", "--json").stdout) == [ROW]
    assert enrolment[1][2] == {"support": None, "index": Path("people.npz"), "save_index": None}


def test_examples_are_kept_without_a_question(enrolment: Calls) -> None:
    done = predict("oneshot", "--support", "people", "--save-index", "people.npz")
    assert (done.exit_code, done.stdout) == (0, "index: people.npz\n")
    assert enrolment[0][1] == []


def test_a_script_learns_that_nothing_could_be_read(
    enrolment: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {"path": "b.png", "error": "empty"}
    recipe = sys.modules["dlpractice.recipes.predict.identification"]
    monkeypatch.setattr(recipe, "identify", lambda *_, **__: [bad, bad])
    done = predict("oneshot", "b.png", "b.png", "--support", "people", "--json")
    assert json.loads(done.stdout) == [bad, bad]
    assert isinstance(done.exception, DataError)
    assert done.exception.message == "none of the 2 images can be read"
    monkeypatch.setattr(recipe, "identify", lambda *_, **__: [bad, ROW])
    Path("b.png").touch()
    assert predict("oneshot", "b.png", "a.png", "--support", "people").exit_code == 0


def test_a_script_learns_that_a_path_is_mistyped(enrolment: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("empty").mkdir()
    rows = [ROW, *({"path": path, "error": "?"} for path in ("mistyped.png", "empty", ""))]
    monkeypatch.setattr(
        sys.modules["dlpractice.recipes.predict.identification"], "identify", lambda *_, **__: rows
    )
    done = predict("oneshot", "a.png", "mistyped.png", "empty", "", "--support", "people", "--json")
    assert json.loads(done.stdout) == rows
    assert isinstance(done.exception, DataError)
    assert done.exception.message == "3 of the 4 paths lead to no image: 'mistyped.png', 'empty', ''"


def test_files_that_are_no_images_are_named(enrolment: Calls) -> None:
    messages.cache_clear()
    Path("in").mkdir()
    Path("in/notes.txt").touch()
    done = predict("oneshot", "in", "--support", "people")
    assert done.exit_code == 0
    assert done.stderr == "warning: 1 file *.txt in in passed over, no images by name, such as notes.txt\n"
    # A recording has no row where images are asked for.
    Path("in/notes.txt").rename("in/a.wav")
    assert "1 file *.wav in in passed over" in predict("oneshot", "in", "--support", "people").stderr
    Path("in/a.wav").rename("in/.hidden.png")
    assert "1 hidden in in passed over" in predict("oneshot", "in", "--support", "people").stderr


def test_two_images_are_compared(enrolment: Calls) -> None:
    assert predict("oneshot", "a.png", "b.png", "--same").stdout.startswith("same: score 0.900")
    document = json.loads(predict("oneshot", "a.png", "b.png", "--same", "--json").stdout)
    assert document["paths"] == ["a.png", "b.png"]
    assert enrolment == [(Path("oneshot"), "a.png", "b.png")] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("finetune", "a.png", "--support", "people"), "is a classifier"),
        (("finetune", "a.png", "b.png", "--same"), "is a classifier"),
        (("finetune", "a.png", "--index", "x"), "is a classifier"),
        (("oneshot", "a.png"), "needs examples to compare with"),
        (("oneshot", "a.png", "--save-index", "x"), "needs examples to compare with"),
        (("oneshot", "a.png", "--same"), "compares two images with each other; got 1"),
        (("oneshot", "a.png", "b.png", "--same", "--support", "x"), "takes no examples"),
        (("oneshot", "a.png", "--index", "x", "--support", "y"), "has its examples already"),
        (("oneshot", "a.png", "--index", "x", "--save-index", "y"), "has its examples already"),
    ],
)
def test_options_that_do_not_fit_the_run(arguments: tuple[str, ...], message: str, enrolment: Calls) -> None:
    error = predict(*arguments).exception
    assert isinstance(error, RunError)
    assert message in error.message
    assert error.hint
    assert enrolment == []


def test_an_exported_encoder_takes_examples(enrolment: Calls) -> None:
    Path("net.onnx").touch()
    assert predict("net.onnx", "a.png", "--index", "people.npz").exit_code == 0
    assert predict("net.onnx", "a.png", "b.png", "--same").exit_code == 0
    assert [call[0] for call in enrolment] == [Path("net.onnx")] * 2
    error = predict("net.onnx", "a.png").exception
    assert isinstance(error, RunError) and "needs examples to compare with" in error.message


def test_no_image_is_a_matter_of_usage(enrolment: Calls) -> None:
    assert predict("oneshot", "--support", "people").exit_code == 2
    assert predict("finetune").exit_code == 2


def test_lists_patterns_zips_and_copies(
    finished_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.cache_clear()
    messages.cache_clear()
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_data / "warm", "in")
    shutil.make_archive("packed", "zip", "in")
    Path("odd[name].png").write_bytes(Path("in/00.png").read_bytes())
    named = [str(finished_run), "in/0?.png", "packed.zip", "odd[name].png", "-", "--csv", "--top", "2"]
    done = CliRunner().invoke(
        app,
        ["predict", *named, "--sort-into", "out"],
        input="in/11.png\r\n\nin/12.png",
        catch_exceptions=False,
    )
    rows = list(csv.DictReader(done.stdout.splitlines()))
    paths = [row["path"] for row in rows]
    inside = sorted(path.name for path in Path("in").iterdir())
    listed = ["odd[name].png", "in/11.png", "in/12.png"]
    assert paths == [f"in/0{n}.png" for n in range(10)] + [f"packed.zip/{name}" for name in inside] + listed
    assert {row["predicted"] for row in rows} | {row["predicted_2"] for row in rows} == {"cold", "warm"}
    assert all(float(row["confidence"]) + float(row["confidence_2"]) == pytest.approx(1) for row in rows)
    # Each image once, though some were named twice, and those of another name beside them.
    copies = [path for path in Path("out").glob("*/*.png")]
    assert len(copies) == 41
    assert {path.parent.name for path in copies} == {row["predicted"] for row in rows}
    again = CliRunner().invoke(app, ["predict", *named[:2], "-", "--json"], input="in/00.png\0in/01.png\0")
    assert [row["path"] for row in json.loads(again.stdout)] == [*paths[:10], "in/00.png", "in/01.png"]
    empty = CliRunner().invoke(app, ["predict", str(finished_run), "-"], input="\n\n")
    assert isinstance(empty.exception, DataError) and "is empty" in empty.exception.message


def test_unsure_answers(finished_run: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.cache_clear()
    messages.cache_clear()
    document = json.loads((finished_run / "summary.json").read_text())["calibration"]["coverage"]
    arguments = ["predict", str(finished_run), str(tiny_data / "cold"), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--coverage", "0.5"])
    chosen = [one for one in document if one["coverage"] >= 0.5][-1]
    for row in json.loads(done.stdout):
        sure = row["confidence"] >= chosen["threshold"]
        assert row["predicted"] == (row["top"][0]["label"] if sure else "unsure")
    assert f"n = {chosen['accuracy']['n']}) are right" in done.stderr
    both = ["--coverage", "0.5", "--min-confidence", "0.5"]
    for wrong in (["--coverage", "0"], both, ["--csv"], ["--top", "0"]):
        assert CliRunner().invoke(app, [*arguments, *wrong]).exit_code == 2
    bad = CliRunner().invoke(app, [*arguments, "--sort-into", str(finished_run / "summary.json")])
    assert isinstance(bad.exception, DataError)
