import errno
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import PathError, RunError, WriteError
from dlpractice.runs import atomic_files

COLUMNS: atomic_files.Columns = {"name": str, "epoch": int, "loss": float}


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic_files.write_text(path, "a long first text\n")
    atomic_files.write_text(path, "short\n")
    assert atomic_files.read_text(path) == "short\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_files.replacing(path) as temporary:
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    program = f"""
import os, signal
from pathlib import Path
from dlpractice.runs import atomic_files
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
atomic_files.write_text(Path({str(path)!r}), "new")
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2  # what the killed process left
    atomic_files.write_text(path, "newer")
    assert path.read_text() == "newer"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]  # and the next write took it away


def test_the_temporary_name_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_files.replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.touch()
    assert (tmp_path / "model.keras").is_file()


def test_what_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    with (
        pytest.raises(WriteError, match=r"cannot write .*full\.png: No space left"),
        atomic_files.replacing(tmp_path / "full.png") as temporary,
    ):
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())
    with pytest.raises(WriteError, match=r"cannot write .*nowhere"):
        atomic_files.write_text(tmp_path / "nowhere" / "a.txt", "")


def test_what_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no a\.txt"):
        atomic_files.read_text(tmp_path / "a.txt")
    with pytest.raises(PathError, match="it is a folder"):
        atomic_files.read_text(tmp_path)


def test_json_of_numpy_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_files.write_json(
        path,
        {"a": np.float32(0.5), "b": np.arange(3), "c": (np.int64(2), Path("x")), "d": {"e": np.bool_(1)}},
    )
    assert atomic_files.read_json(path) == {"a": 0.5, "b": [0, 1, 2], "c": [2, "x"], "d": {"e": True}}


def test_json_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_files.write_json(path, {"a": math.nan, "b": [math.inf, 1.0], "c": np.array([np.nan, 2.0])})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "a": None,
        "b": [None, 1.0],
        "c": [None, 2.0],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"a": }', r"a\.json:2 is not JSON"),
        ("[1]", "must hold a JSON object; it holds a list"),
        ("", "JSON"),
    ],
)
def test_json_that_is_none_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RunError, match=message):
        atomic_files.read_json(tmp_path / "a.json")


def test_csv_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        {"name": 'x,"y"\nz', "epoch": 1, "loss": 0.1},
        {"name": os.fsdecode(b"caf\xe9.png"), "epoch": None, "loss": math.inf},
        {"name": "日本", "epoch": -2, "loss": None},
        {"name": "", "epoch": np.int64(3), "loss": np.float32(1 / 3)},
    ]
    atomic_files.write_csv(path, COLUMNS, rows)
    assert b"caf\xe9.png" in path.read_bytes()
    assert path.read_bytes().startswith(b"name,epoch,loss\n")
    back = atomic_files.read_csv(path, COLUMNS)
    assert [row["name"] for row in back] == [row["name"] for row in rows]
    assert [row["epoch"] for row in back] == [1, None, -2, 3]
    assert [row["loss"] for row in back[:3]] == [0.1, math.inf, None]
    assert np.float32(back[3]["loss"]) == np.float32(1 / 3)


def test_float32_comes_back_bit_for_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1e-3, 500).astype(np.float32)
    atomic_files.write_csv(tmp_path / "a.csv", {"x": float}, ({"x": value} for value in values))
    back = [row["x"] for row in atomic_files.read_csv(tmp_path / "a.csv", {"x": float})]
    assert np.array_equal(np.array(back, np.float32), values)


def test_csv_keeps_nan_apart_from_empty() -> None:
    assert atomic_files.csv_line(COLUMNS, {"name": "a", "loss": math.nan}) == "a,,nan\n"
    assert atomic_files.csv_line(COLUMNS, {"name": "a", "loss": None}) == "a,,\n"


def test_csv_refuses_a_key_that_is_no_column() -> None:
    with pytest.raises(ValueError, match="no such column: los; there are name, epoch, loss"):
        atomic_files.csv_line(COLUMNS, {"los": 1.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,epoch\na,1\n", r"a\.csv:1 lacks the column loss"),
        ("", r"a\.csv:1 lacks the column name, epoch, loss"),
        ("name,epoch,loss\na,1,0.5\nb,one,0.5\n", r"a\.csv:3 epoch must be of type int; got 'one'"),
        ("name,epoch,loss\na,1\n", r"a\.csv:2 ends before the column loss"),
    ],
)
def test_a_damaged_csv_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RunError, match=message):
        atomic_files.read_csv(tmp_path / "a.csv", COLUMNS)
