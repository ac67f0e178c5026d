import errno
import math
import signal
import subprocess
import sys
from pathlib import Path

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


def test_csv_keeps_nan_apart_from_empty() -> None:
    assert atomic_files.csv_line(COLUMNS, {"name": "a", "loss": math.nan}) == "a,,nan\n"
    assert atomic_files.csv_line(COLUMNS, {"name": "a", "loss": None}) == "a,,\n"


def test_csv_refuses_a_key_that_is_no_column() -> None:
    with pytest.raises(ValueError, match="no such column: los; there are name, epoch, loss"):
        atomic_files.csv_line(COLUMNS, {"los": 1.0})
