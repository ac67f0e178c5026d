"""Keras's `History` as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import assign
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.json_files import HISTORY_HINT, read_object
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError


def find_json(path: Path) -> Path | None:
    """`path` itself, where it is a JSON file: any that no other format has claimed is taken for a history."""
    return path if path.is_file() and path.suffix == ".json" else None


def read_json(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a history in a file of its own; raises RunError as `read_history` does."""
    return read_history(path, read_object(path), mapping)


def read_history(path: Path, document: Mapping[str, Any], mapping: Mapping[str, str]) -> Record:
    """The record of `history.history`, or of the object around it. The n-th value of a list is epoch n.

    Raises:
        RunError: no list of numbers under a name that is known or in `mapping`.
    """
    inner = document.get("history")
    columns = inner if isinstance(inner, dict) else document
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    chosen = assign(lists, mapping, str(path))
    curves = {curve: _read_values(path, column, lists[column]) for curve, column in chosen.items()}
    if not curves:
        raise RunError(
            f"{path} has no list of losses or accuracies{_describe_scalars(columns)}", HISTORY_HINT
        )
    return Record(
        path=str(path),
        kind="Keras history",
        curves=curves,
        unused=tuple(name for name in lists if name not in chosen.values()),
    )


def _read_values(path: Path, name: str, values: list[Any]) -> Curve:
    """The curve of a list.

    A null with a number after it is an epoch without a measurement. Nulls up to the end are taken for NaN,
    which some writers turn into null.
    """
    known = [epoch for epoch, value in enumerate(values, 1) if value is not None]
    gaps = bool(known) and known[-1] > len(known)
    try:
        pairs = [
            (float(epoch), float("nan") if value is None else float(value))
            for epoch, value in enumerate(values, 1)
            if value is not None or not gaps
        ]
    except (TypeError, ValueError):
        raise RunError(f"{path}: {name} must be a list of numbers", HISTORY_HINT) from None
    return Curve(tuple(epoch for epoch, _ in pairs), tuple(value for _, value in pairs))


def _describe_scalars(columns: Mapping[str, Any]) -> str:
    """Names texts that stand where lists belong: a faulty conversion leaves them behind."""
    texts = [f"{name} is {value!r}" for name, value in columns.items() if isinstance(value, str)]
    return f": {', '.join(texts[:2])}" if texts else ""


FORMAT = Format(
    name="Keras history",
    words="a Keras history (.json)",
    recognised_by="a `.json` file with lists of numbers, such as `json.dump(history.history, file)` makes",
    places=(Place(40, find_json),),
    read=read_json,
)
