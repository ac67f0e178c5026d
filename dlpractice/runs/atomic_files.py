"""Reading and writing the text files of a run, each whole or not at all: see `whole_files`.

There is no fsync: what is guarded against is a killed process, and the page cache outlives that.
"""

import csv
import io
import json
import math
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.paths import exists, is_folder, read_file
from dlpractice.whole_files import replacing

_MOST_BYTES = 2**30

Columns = Mapping[str, type]
"""The columns of a CSV file in order, each with the type of its cells: str, int or float."""

# File names that are not valid UTF-8 reach Python as lone surrogates; this writes the original bytes back.
_ENCODING: Mapping[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all.

    Raises:
        WriteError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode(**_ENCODING))


def read_text(path: Path) -> str:
    """The text of a file of a run.

    Raises:
        RunError: the file is absent.
        PathError: it cannot be read.
    """
    if not exists(path):
        raise RunError(f"{path.parent} has no {path.name}", _hint_for_absent(path))
    return read_file(path, _MOST_BYTES).decode(**_ENCODING)


def _hint_for_absent(path: Path) -> str:
    if is_folder(path.parent):
        return "the run has not come that far, or it was copied in part"
    return "`dlp runs ls` lists the runs there are"


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write `document` as JSON. NumPy scalars and arrays become numbers and lists, paths become strings.

    JSON has no NaN and no infinity, and Python's extension of it breaks other readers: a number that is not
    finite is written as null. The value itself is not lost where it matters, since metrics.csv keeps `nan`
    and `inf`.
    """
    write_text(path, json.dumps(_to_json(document), indent=2, allow_nan=False) + "\n")


def _to_json(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars, without importing NumPy
        return _to_json(value.tolist())
    return value


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a run.

    Raises:
        RunError: the file is absent, or does not hold a JSON object.
    """
    text = read_text(path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise RunError(
            f"{path}:{error.lineno} is not JSON: {error.msg}", "restore the file from a copy"
        ) from None
    if not isinstance(document, dict):
        raise RunError(f"{path} must hold a JSON object; it holds a {type(document).__name__}")
    return document


def write_csv(path: Path, columns: Columns, rows: Iterable[Mapping[str, object]]) -> None:
    """Write `rows` under a header. See `csv_line` for the cells."""
    write_text(path, csv_header(columns) + "".join(csv_line(columns, row) for row in rows))


def csv_header(columns: Columns) -> str:
    """The first line of a CSV file."""
    return _join(list(columns))


def csv_line(columns: Columns, row: Mapping[str, object]) -> str:
    """One line of a CSV file.

    A key that is absent or None gives an empty cell. Floats have nine significant digits, which is what a
    float32 needs to come back bit for bit; `nan` and `inf` are written as such.

    Raises:
        ValueError: `row` has a key that is no column.
    """
    if unknown := row.keys() - columns.keys():
        raise ValueError(f"no such column: {', '.join(sorted(unknown))}; there are {', '.join(columns)}")
    return _join([_format_cell(kind, row.get(name)) for name, kind in columns.items()])


def _format_cell(kind: type, value: Any) -> str:
    if value is None:
        return ""
    return f"{float(value):.9g}" if kind is float else str(kind(value))


def _join(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def read_csv(path: Path, columns: Columns, later: Container[str] = ()) -> list[dict[str, Any]]:
    """The rows of a CSV file, each cell as its column's type. An empty cell is None, "" among strings.

    later: columns that older files lack; rows read from these have no such key.

    Raises:
        RunError: the file is absent, lacks a column, or has a cell of the wrong type (named with its line).
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if needed := [name for name in missing if name not in later]:
        raise RunError(f"{path}:1 lacks the column {', '.join(needed)}", f"the header is {','.join(columns)}")
    known = {name: kind for name, kind in columns.items() if name not in missing}
    return [
        {name: _parse_cell(kind, row[name], path, reader.line_num, name) for name, kind in known.items()}
        for row in reader
    ]


def _parse_cell(kind: type, cell: str | None, path: Path, line: int, name: str) -> Any:
    if cell is None:
        raise RunError(f"{path}:{line} ends before the column {name}", "restore the file from a copy")
    if kind is not str and cell == "":
        return None
    try:
        return kind(cell)
    except ValueError:
        raise RunError(f"{path}:{line} {name} must be of type {kind.__name__}; got {cell!r}") from None
