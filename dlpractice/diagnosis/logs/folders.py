"""Folders that hold logs, and which of several is meant."""

import re
from collections.abc import Iterable
from pathlib import Path

_NUMBER = re.compile(r"^(?P<name>.*?)(?P<number>\d*)$")


def find_latest(folders: Iterable[Path]) -> Path | None:
    """The folder with the highest number, of folders beside each other that differ by nothing else, such as
    `version_0` and `version_1`, `train` and `train2`; None where they differ otherwise."""
    folders = list(folders)
    if len({folder.parent for folder in folders}) != 1:
        return None
    split = [_NUMBER.match(folder.name) for folder in folders]
    if len({found["name"] for found in split if found}) != 1:
        return None
    return max(folders, key=lambda folder: number_of(folder.name))


def number_of(name: str) -> int:
    """The number at the end of a name; 0 where there is none."""
    found = _NUMBER.match(name)
    return int(found["number"] or 0) if found else 0
