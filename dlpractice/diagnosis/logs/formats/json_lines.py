"""JSON Lines, an object on each line: Detectron2's metrics.json, the log.txt of DeiT and of its kin."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_rows
from dlpractice.diagnosis.logs.texts.json_text import parse_literal
from dlpractice.diagnosis.logs.texts.text import name_foreign, read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import is_file

_SUFFIXES = (".jsonl", ".ndjson")
_OTHERS = (".json", ".txt", ".log", ".out", "")
_HINT = 'each line is an object like {"epoch": 1, "loss": 0.7, "val_loss": 0.8}'


def find_lines(path: Path) -> Path | None:
    """`path` itself, where it is named like such a file, or where its first lines are objects."""
    if not is_file(path) or path.suffix.lower() not in (*_SUFFIXES, *_OTHERS):
        return None
    return path if path.suffix.lower() in _SUFFIXES or _begins_with_objects(path) else None


def _begins_with_objects(path: Path) -> bool:
    head = read_head(path)
    if name_foreign(head) is not None:
        return False
    lines = [line.strip() for line in head.decode("utf-8-sig", errors="replace").splitlines() if line.strip()]
    return len(lines) > 1 and all(isinstance(_read_line(line), dict) for line in lines[:2])


def _read_line(line: str) -> Any:
    return parse_literal(line)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the file. A last line that is cut off, as in a file that is being written, is left out.

    Raises:
        RunError: another line is no object.
    """
    lines = [
        (n, line)
        for n, line in enumerate(read_log_text(path).lstrip("\ufeff").splitlines(), 1)
        if line.strip()
    ]
    for number, line in lines:
        row = _read_line(line)
        if isinstance(row, dict):
            yield row
        elif number != lines[-1][0]:
            raise RunError(f"{path}:{number} is no JSON object: {line[:60]!r}", _HINT)


def read_json_lines(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of the file.

    Raises:
        RunError: a line is no JSON object, or there is no number under a name that is known or in `mapping`.
    """
    return interpret(tabulate_rows(str(path), "JSON Lines", read_lines(path)), mapping)


FORMAT = Format(
    name="JSON Lines",
    words="a JSON Lines log (.jsonl)",
    recognised_by=(
        "a `.jsonl` file, or a `.json`, `.txt` or `.log` file whose first lines are objects: Detectron2's "
        "`metrics.json`, `log.txt` of DeiT and of what is made from it, pandas's `to_json(lines=True)`"
    ),
    places=(Place(34, find_lines),),
    read=read_json_lines,
)
