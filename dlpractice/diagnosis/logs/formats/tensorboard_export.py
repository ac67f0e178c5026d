"""What TensorBoard exports from a chart: CSV with the columns Wall time, Step, Value, or lists of these."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import Table, tabulate_events, tabulate_rows
from dlpractice.diagnosis.logs.texts.delimited import tabulate_csv
from dlpractice.diagnosis.logs.texts.text import read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import find_matching, is_file, is_folder

_NAMES = ("Wall time", "Step", "Value")
_HEADER = re.compile(rb"^(\xef\xbb\xbf)?\"?Wall time\"?,\"?Step\"?,\"?Value")
_LISTS = re.compile(rb"^\s*\[\s*\[\s*1\d{9}(\.\d+)?\s*,\s*\d+(\.0)?\s*,\s*[-+\dNIn\"]")
_FILE = re.compile(r"^(?:run-)?(?P<run>.*?)[-_]tag-(?P<tag>.*)$")
_HINT = (
    "the files are named like run-RUN-tag-TAG.csv, and the tag says what they are; --column loss=NAME takes "
    "a name from above"
)


def find_export(path: Path) -> Path | None:
    """`path` itself, where it is such a file, or a folder of them."""
    files = _list(path)
    return path if any(_is_export(file) for file in files) else None


def _list(path: Path) -> list[Path]:
    return find_matching(path, "*") if is_folder(path) else [path]


def _is_export(file: Path) -> bool:
    if not is_file(file) or file.suffix not in (".csv", ".json"):
        return False
    return bool((_HEADER if file.suffix == ".csv" else _LISTS).match(read_head(file, 256)))


def read_export(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of one such file, which has one curve, or of all those in a folder.

    A curve is named by its run and its tag, without the run where all have the same.

    Raises:
        RunError: a file is damaged, or no name is that of a loss or an accuracy.
    """
    files = list(filter(_is_export, _list(path)))
    named = {file: _FILE.match(file.stem) for file in files}
    runs = {found["run"] for found in named.values() if found}
    events = []
    for file, found in named.items():
        name = found["tag"] if found else file.stem
        if found and len(runs) > 1:
            name = f"{found['run']}/{name}"
        events += [(name, step, value) for step, value in _read_values(file)]
    events.sort(key=lambda event: event[1])
    return interpret(tabulate_events(str(path), "TensorBoard export", events, hint=_HINT), mapping)


def _read_values(file: Path) -> Iterator[tuple[float, float]]:
    """Steps and values."""
    text = read_log_text(file)
    table = tabulate_csv(str(file), "", text) if file.suffix == ".csv" else _tabulate_lists(file, text)
    columns = [table.columns.get(name) for name in _NAMES[1:]]
    if any(column is None or column.flaw is not None for column in columns):
        raise RunError(f"{file} has a line without a step or a value", "export the chart again")
    steps, values = (column for column in columns if column is not None)
    at = dict(zip(steps.rows.tolist(), steps.values.tolist(), strict=True))
    for row, value in zip(values.rows.tolist(), values.values.tolist(), strict=True):
        yield at.get(row, float(row)), value


def _tabulate_lists(file: Path, text: str) -> Table:
    try:
        rows = [dict(zip(_NAMES, row, strict=True)) for row in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        raise RunError(f"{file} has a line without a step or a value", "export the chart again") from None
    return tabulate_rows(str(file), "", rows)


FORMAT = Format(
    name="TensorBoard export",
    words="a folder of exported TensorBoard charts",
    recognised_by=(
        "a `.csv` file with the columns `Wall time,Step,Value`, a `.json` file with lists of these, or a "
        "folder of such files, each of which has one curve"
    ),
    places=(Place(28, find_export),),
    read=read_export,
)
