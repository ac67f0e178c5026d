"""The version of the program that a run was made with, as git knows it."""

import subprocess
from pathlib import Path

import dlpractice


def describe_commit() -> str | None:
    """The commit that the package runs from, `-dirty` where it was changed; None outside a checkout."""
    folder = Path(dlpractice.__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
