"""The shapes in which JSON documents hold columns of numbers: lists, records, and what pandas writes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dlpractice.diagnosis.logs.texts.json_text import parse_literal

Lists = dict[str, list[Any]]
Rows = list[dict[str, Any]]

_NUMBERED = re.compile(r"^\s*(?:epoch|step|iter|iteration|ep|e)?[\s_\-:]*(\d+)\s*$", re.IGNORECASE)
_DEEPEST = 6


def find_lists(document: Any) -> Lists:
    """Lists of numbers by their names; those in objects have the names of both, such as `train/loss`.

    Columns as objects from row numbers to numbers, as pandas writes them by default, are lists as well. So is
    `{"columns": [...], "data": [[...], ...]}`, its orientation `split`, and a list of lists, `values`, whose
    columns are called 0, 1 and so on.
    """
    if isinstance(document, list):
        return (
            _turn(document, [str(index) for index in range(len(document[0]))]) if _is_grid(document) else {}
        )
    if not isinstance(document, Mapping):
        return {}
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list) and _is_grid(data) and len(names) == len(data[0]):
        return _turn(data, [str(name) for name in names])
    found: Lists = {}
    _collect(document, "", found, _DEEPEST)
    return found


def find_rows(document: Any) -> Rows | None:
    """The objects of a document that has one for each epoch or step; None where it has none.

    They are a list, a list in an object (`{"history": [...]}`, pandas's `table`), or an object from row
    numbers to objects (`{"0": {...}, "epoch_1": {...}}`, pandas's `index`).
    """
    if isinstance(document, list):
        rows = [row for row in document if isinstance(row, dict)]
        return rows if rows and len(rows) >= len(document) - 1 else None
    if not isinstance(document, dict):
        return None
    numbered = {
        name: row for name, row in document.items() if isinstance(row, dict) and _NUMBERED.match(name)
    }
    if numbered and len(numbered) >= len(document) - 1 and not _holds_lists(numbered):
        return [_add_epoch(name, row) for name, row in numbered.items()]
    lists = [find_rows(value) or [] for value in document.values() if isinstance(value, list)]
    objects = [_find_inner(value) or [] for value in document.values() if isinstance(value, dict)]
    return max(lists, key=len, default=None) or max(objects, key=len, default=None) or None


def _find_inner(value: dict[str, Any]) -> Rows | None:
    return None if _is_column(value) else find_rows(value)


def _holds_lists(rows: Mapping[str, Any]) -> bool:
    return any(isinstance(cell, list) and len(cell) > 1 for row in rows.values() for cell in row.values())


def _add_epoch(name: str, row: dict[str, Any]) -> dict[str, Any]:
    number = _NUMBERED.match(name)
    says = any(str(key).strip().lower() in ("epoch", "step", "iteration", "iter") for key in row)
    if says or number is None:
        return row
    return {"step" if name.strip().lower().startswith(("s", "i")) else "epoch": int(number[1]), **row}


def _collect(document: Mapping[str, Any], prefix: str, found: Lists, depth: int) -> None:
    for name, value in document.items():
        full = f"{prefix}{str(name).strip()}"
        if isinstance(value, str) and len(value) > 4 and value.lstrip()[:1] == "[":
            value = parse_literal(value)
        if isinstance(value, list) and value and not isinstance(value[0], dict):
            found[full] = [pair[-1] for pair in value] if _are_pairs(value) else value
        elif isinstance(value, Mapping) and _is_column(value):
            found[full] = list(value.values())
        elif isinstance(value, Mapping) and depth:
            inside = (
                "" if str(name).lower() in ("history", "params", "metrics", "logs", "log") else f"{full}/"
            )
            _collect(value, inside if inside else prefix, found, depth - 1)


def _are_pairs(value: Sequence[Any]) -> bool:
    """Whether a list is one of times and values: pairs, or three numbers each, whose last is the value."""
    return all(
        isinstance(pair, list) and len(pair) in (2, 3) and len(pair) == len(value[0]) for pair in value
    )


def _is_column(value: Mapping[str, Any]) -> bool:
    """Whether an object goes from row numbers to numbers."""
    return bool(value) and all(
        str(key).strip().isdigit() and (cell is None or isinstance(cell, int | float | str))
        for key, cell in value.items()
    )


def _is_grid(data: Any) -> bool:
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(row, list) and len(row) == len(data[0]) for row in data)
        and len(data[0]) > 0
        and not any(isinstance(cell, list | dict) for cell in data[0])
    )


def _turn(data: Sequence[Sequence[Any]], names: Sequence[str]) -> Lists:
    return {name: [row[place] for row in data] for place, name in enumerate(names)}
