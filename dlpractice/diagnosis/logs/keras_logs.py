"""Keras's `History` as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import assign
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError
from dlpractice.runs.files import read_text

_HINT = 'a history is like {"loss": [0.7, 0.4], "val_loss": [0.8, 0.6]}: json.dump(history.history, file)'


def read_json_log(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
        RunError: it cannot be read, or is no JSON object.
    """
    try:
        document = json.loads(read_text(path))  # Python's own: NaN and Infinity are numbers
    except json.JSONDecodeError as error:
        raise RunError(f"{path}:{error.lineno} is not JSON: {error.msg}", _HINT) from None
    if not isinstance(document, dict):
        raise RunError(f"{path} holds a {type(document).__name__}, not an object", _HINT)
    return document


def read_history(path: Path, document: Mapping[str, Any], mapping: Mapping[str, str]) -> Record:
    """The record of `history.history`, or of a dump of the whole object. Its n-th value is epoch n.

    Raises:
        RunError: no list of numbers under a name that is known or in `mapping`.
    """
    inner = document.get("history")
    columns = inner if isinstance(inner, dict) else document
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    chosen = assign(lists, mapping, str(path))
    curves = {curve: _read_values(path, column, lists[column]) for curve, column in chosen.items()}
    if not curves:
        raise RunError(f"{path} has no list of losses or accuracies{_describe_scalars(columns)}", _HINT)
    return Record(
        path=str(path),
        kind="Keras history",
        curves=curves,
        unused=tuple(name for name in lists if name not in chosen.values()),
    )


def _read_values(path: Path, name: str, values: list[Any]) -> Curve:
    """A null that a number follows is an epoch without a measurement; nulls to the end are what some writers
    make of NaN."""
    known = [epoch for epoch, value in enumerate(values, 1) if value is not None]
    gaps = bool(known) and known[-1] > len(known)
    try:
        pairs = [
            (float(epoch), float("nan") if value is None else float(value))
            for epoch, value in enumerate(values, 1)
            if value is not None or not gaps
        ]
    except (TypeError, ValueError):
        raise RunError(f"{path}: {name} must be a list of numbers", _HINT) from None
    return Curve(tuple(epoch for epoch, _ in pairs), tuple(value for _, value in pairs))


def _describe_scalars(columns: Mapping[str, Any]) -> str:
    """Text where a list belongs is what a faulty conversion leaves behind; it is worth seeing."""
    texts = [f"{name} is {value!r}" for name, value in columns.items() if isinstance(value, str)]
    return f": {', '.join(texts[:2])}" if texts else ""
