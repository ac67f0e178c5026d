"""`dlp predict` from the shell."""

import json
import subprocess
import sys
from pathlib import Path


def dlp(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlpractice", "predict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_folder_and_a_bad_image(finished_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    done = dlp(finished_run, tiny_data / "warm", tmp_path / "bad.png", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert len(rows) == 41
    assert rows[0]["path"] == str(tiny_data / "warm" / "00.png")
    assert set(rows[-1]) == {"path", "error"}
    assert done.stderr == ""
    table = dlp(finished_run, tiny_data / "warm" / "00.png")
    assert "warm" in table.stdout


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    done = dlp(tmp_path, "a.png")
    assert done.returncode == 1
    assert "is not a run" in done.stderr
