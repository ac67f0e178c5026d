"""JSON with an object for each epoch or step, in a list or under its number."""

from collections.abc import Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.columns import recognise
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import flatten, tabulate_rows
from dlpractice.diagnosis.logs.texts.json_shapes import Rows, find_lists, find_rows
from dlpractice.diagnosis.logs.texts.json_text import is_document, read_document
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError


def find_records(path: Path) -> Path | None:
    """`path` itself, where it is JSON with records, and with a loss or an accuracy in one of them."""
    return path if is_document(path) and _read(path) else None


def _read(path: Path) -> Rows:
    try:
        document = read_document(path)
    except RunError:
        return []
    rows = find_rows(document) or []
    if isinstance(document, dict) and any(recognise(name) for name in find_lists(document)):
        return []
    return rows if any(recognise(name) for row in rows for name, _ in flatten(row)) else []


def read_records(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of such a file.

    Raises:
        RunError: a loss or an accuracy is no number.
    """
    return interpret(tabulate_rows(str(path), "JSON records", _read(path)), mapping)


FORMAT = Format(
    name="JSON records",
    words="a list of records (.json)",
    recognised_by=(
        "a `.json` file with an object for each epoch or step, in a list or under its number, such as "
        "pandas's `to_json` writes as `records`, `index` or `table`"
    ),
    places=(Place(42, find_records),),
    read=read_records,
)
