"""Tables: what the reader of a format makes of a log, columns of numbers whose meaning is still open."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.diagnosis.logs.cells import ABSENT, read_number
from dlpractice.diagnosis.record import Clock, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """The values of one name. rows: (n,) int64, the rows of the table that have one, rising. values: (n,)
    float64. flaw: the first cell that is no number, as "file:line" and its text; None where there is none."""

    rows: Ints
    values: Floats
    flaw: tuple[str, str] | None = None

    def keep(self, rows: NDArray[np.bool_]) -> "Column":
        """The values in some rows; `rows`: (length of the table,) bool."""
        kept = rows[self.rows]
        return Column(self.rows[kept], self.values[kept], self.flaw)


@dataclass(frozen=True)
class Table:
    """A log as rows and columns, in the order in which it was written.

    path: where it lies. kind: its format, in words. columns: by their names, as they stand in the log.
    length: the number of rows. texts: columns of words, whose values are (length,) str.
    row: what a row without a column of epochs or steps is; None where that has to be judged by the numbers.
    starts: rows with which the log itself begins anew. notes: what is to be known of the reading.
    hint: what to do where there is no loss and no accuracy.
    """

    path: str
    kind: str
    columns: Mapping[str, Column]
    length: int
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    row: Clock | None = None
    starts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str = "map them with --column, such as --column val_loss=COLUMN"

    def rename(self, names: Mapping[str, str], *notes: str) -> "Table":
        """The table with other names, old -> new, for some of its columns; and with more notes."""
        columns = {names.get(name, name): column for name, column in self.columns.items()}
        return replace(self, columns=columns, notes=(*self.notes, *notes))

    def add(self, columns: Mapping[str, Column], *notes: str) -> "Table":
        """The table with more columns and notes."""
        return replace(self, columns={**self.columns, **columns}, notes=(*self.notes, *notes))

    def drop(self, names: Iterable[str]) -> "Table":
        """The table without some of its columns."""
        dropped = set(names)
        kept = {name: column for name, column in self.columns.items() if name not in dropped}
        return replace(self, columns=kept)

    def advise(self, hint: str) -> "Table":
        """The table with another word on what to do where it has no loss and no accuracy."""
        return replace(self, hint=hint)

    def relabel(self, kind: str) -> "Table":
        """The table with another name of its format."""
        return replace(self, kind=kind)


def tabulate_rows(path: str, kind: str, rows: Iterable[Mapping[str, Any]], **more: Any) -> Table:
    """The table of a log that has an object for each row. Objects in a row become columns like `train/loss`.

    A null is a row without a measurement where a number follows it; nulls up to the end are taken for NaN,
    which some writers turn into null. more: other fields of the table.
    """
    cells: dict[str, dict[int, Any]] = defaultdict(dict)
    length = 0
    for length, row in enumerate(rows, 1):
        for name, value in flatten(row):
            cells[name][length - 1] = value
    columns, texts = {}, {}
    for name, column in cells.items():
        found = _read_values(path, column)
        if len(found.values):
            columns[name] = found
        elif words := {place: value for place, value in column.items() if isinstance(value, str)}:
            texts[name] = [words.get(place, "") for place in range(length)]
    return Table(path, kind, columns, length, texts, **more)


def tabulate_lists(path: str, kind: str, lists: Mapping[str, Sequence[Any]], **more: Any) -> Table:
    """The table of a log that has a list for each column; the n-th values of all are a row."""
    columns = {name: _read_values(path, dict(enumerate(values))) for name, values in lists.items()}
    length = max((len(values) for values in lists.values()), default=0)
    return Table(path, kind, columns, length, **more)


def tabulate_events(path: str, kind: str, events: Iterable[tuple[str, float, float]], **more: Any) -> Table:
    """The table of a log that has a name, a step and a value for each measurement, in the order of writing.

    Where all steps are the same, nobody has counted them: the values of a name are then numbered instead.
    """
    names: dict[str, tuple[list[int], list[float]]] = {}
    steps: list[float] = []
    for row, (name, step, value) in enumerate(events):
        rows, values = names.setdefault(name, ([], []))
        rows.append(row)
        values.append(value)
        steps.append(step)
    if len(set(steps)) < 2:
        return tabulate_lists(path, kind, {name: values for name, (_, values) in names.items()}, **more)
    columns = {
        name: Column(np.array(rows, np.int64), np.array(values)) for name, (rows, values) in names.items()
    }
    columns["step"] = Column(np.arange(len(steps)), np.array(steps, np.float64))
    return Table(path, kind, columns, len(steps), row="step", **more)


def flatten(row: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Names and values of an object, those of objects in it with the names of both: `train/loss`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{str(name).strip()}", value


def _read_values(path: str, cells: Mapping[int, Any]) -> Column:
    known = [row for row, cell in cells.items() if cell is not None]
    gaps = bool(known) and len(known) <= known[-1] - min(cells)
    rows, values, flaw = [], [], None
    for row, cell in cells.items():
        if cell is None and gaps:
            continue
        try:
            value = to_number(cell)
        except (ValueError, TypeError, OverflowError):
            flaw = flaw or (path, str(cell)[:80])
            continue
        if value is not None:
            rows.append(row)
            values.append(value)
    if not known:  # nulls and nothing else were never numbers
        rows, values = [], []
    return Column(np.array(rows, np.int64), np.array(values, np.float64), flaw)


def to_number(cell: Any) -> float | None:
    """The number in a cell of a JSON document: a number, the text of one, or a list of one; None for an empty
    text, NaN for a null.

    Raises:
        ValueError, TypeError, OverflowError: there is none.
    """
    if cell is None:
        return math.nan
    if isinstance(cell, bool):
        raise TypeError("a truth value is no measurement")
    if isinstance(cell, int | float):
        return float(cell)
    if isinstance(cell, list) and len(cell) == 1:
        return to_number(cell[0])
    if isinstance(cell, str):
        return None if cell.strip().lower() in ABSENT else read_number(cell)
    raise TypeError("no number")
