"""Reading and writing the text files of a run, each whole or not at all: see `whole_files`.

There is no fsync: what is guarded against is a killed process, and the page cache outlives that.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.paths import exists, is_file, is_folder, read_file
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
        RunError: the file is absent, or is UTF-16.
        PathError: it cannot be read.
    """
    if not exists(path):
        raise RunError(f"{path.parent} has no {path.name}", _hint_for_absent(path))
    content = read_file(path, _MOST_BYTES)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RunError(f"{path} is UTF-16 text", "save it as UTF-8")
    return content.removeprefix(codecs.BOM_UTF8).decode(**_ENCODING)


def is_there(path: Path) -> bool:
    """Whether there is a file of a run.

    Raises:
        RunError: a folder lies in its place.
    """
    if is_folder(path):
        raise RunError(f"{path} is a folder, where a file belongs", "move it away, or leave this run out")
    return is_file(path)


def _hint_for_absent(path: Path) -> str:
    if is_folder(path.parent):
        return "the run has not come that far, or it was copied in part"
    return "`dlp runs ls` lists the runs there are"


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
    # Where "\n" alone ends a row, a "\r" in a cell gets no quotes, and readers take it for an end as well.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"
