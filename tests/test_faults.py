"""A few of the faults that `scripts/faults` tries, and that it can tell a good end from a bad one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = f"""
import runpy, sys
sys.path.insert(0, "{ROOT / "scripts"}")
runpy.run_path("{ROOT / "scripts" / "faults"}", run_name="__main__")
"""


def test_a_selection_of_faults_ends_as_promised(fork: Callable[..., Any], tmp_path: Path) -> None:
    status, table, messages = fork(SCRIPT, "--short", "--folder", str(tmp_path)).finish()
    assert status == 0, messages
    total = table.splitlines()[-1]
    assert int(total.split("|")[2]) >= 5, table
