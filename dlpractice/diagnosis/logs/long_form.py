"""Logs with a row for training and a row for validation, told apart by a column of words."""

from collections.abc import Mapping, Sequence

import numpy as np

from dlpractice.diagnosis.logs.clocks import name_clock
from dlpractice.diagnosis.logs.columns import recognise, split_words
from dlpractice.diagnosis.logs.table import Column, Table

_NAMES = {"phase", "split", "mode", "subset", "set", "dataset", "stage", "partition", "type", "part", "data"}
_WORDS = {"train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test", "testing"}
_METRICS, _VALUES = {"metric", "metrics", "name", "tag", "key", "variable"}, {"value", "values", "y"}


def spread_splits(table: Table) -> Table:
    """The table with columns such as `val/loss` in the place of `loss` in the rows of `val`.

    A table with a column of names and one of values, as databases export it, is spread in the same way.
    """
    for name, cells in table.texts.items():
        words = set(split_words(name))
        if words & _NAMES and _are_splits(cells):
            split_by = {column: column for column in table.columns if _has_no_split(column)}
            if split_by:
                return _spread(table, cells, split_by)
        if words & _METRICS and any(recognise(cell) for cell in set(cells)):
            values = {column: "" for column in table.columns if set(split_words(column)) <= _VALUES}
            if values:
                return spread_splits(_spread(table, cells, values))
    return table


def _are_splits(cells: Sequence[str]) -> bool:
    found = {cell.strip().lower() for cell in cells if cell.strip()}
    return len(found) > 1 and found <= _WORDS


def _has_no_split(name: str) -> bool:
    meaning = recognise(name)
    return meaning is not None and not meaning.split and meaning.curve != "learning_rate"


def _spread(table: Table, cells: Sequence[str], names: Mapping[str, str]) -> Table:
    columns: dict[str, Column] = {}
    by_row = np.array([cell.strip() for cell in cells], dtype=object)
    for name, column in table.columns.items():
        if name not in names or name_clock(name) is not None:
            columns[name] = column
            continue
        for word in dict.fromkeys(by_row[column.rows].tolist()):
            own = by_row[column.rows] == word
            full = "/".join(part for part in (word, names[name]) if part) or name
            columns[full] = Column(column.rows[own], column.values[own], column.flaw)
    return Table(
        table.path,
        table.kind,
        columns,
        table.length,
        {name: words for name, words in table.texts.items() if words is not cells},
        table.row,
        table.starts,
        table.notes,
        table.hint,
    )
