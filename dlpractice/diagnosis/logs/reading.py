"""From a path to a record: which format its log has, and the reading of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlpractice.diagnosis.discovery import import_modules
from dlpractice.diagnosis.logs import formats
from dlpractice.diagnosis.logs.format import Format
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError
from dlpractice.runs.directory import COMPARISON, SWEEP

FORMATS: tuple[Format, ...] = tuple(
    sorted((module.FORMAT for module in import_modules(formats)), key=lambda known: known.places[0].rank)
)
"""The FORMAT of every file in `formats`, in the order in which they are tried first."""
_SEARCH = sorted(
    ((place, known) for known in FORMATS for place in known.places), key=lambda pair: pair[0].rank
)


def holds_several(path: Path) -> bool:
    """Whether `path` is a folder of runs that belong together, made by a comparison or a sweep."""
    return path.is_dir() and any((path / name).is_file() for name in (COMPARISON, SWEEP))


def read_log(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of the training that `path` holds; of a folder above several runs, of the one written last.

    mapping: curve -> column, for names that are not the usual ones; logs of others only.

    Raises:
        RunError: nothing there that can be read.
    """
    if not path.exists():
        raise RunError(f"there is no file or folder {path}", _list_formats())
    for place, log_format in _SEARCH:
        if (found := place.find(path)) is not None:
            record = log_format.read(found, mapping)
            return record if record.run is not None else _in_shares(record)
    if path.is_dir():
        raise RunError(f"{path} holds no run and no training log", _list_formats())
    raise RunError(f"{path} is no training log that can be read", _list_formats())


def _list_formats() -> str:
    *most, last = (known.words for known in FORMATS)
    return f"give {', '.join(most)} or {last}"


def _in_shares(record: Record) -> Record:
    """The record with accuracies in [0, 1], where the log has percent.

    Raises:
        RunError: they are neither.
    """
    accuracies = {name: curve for name, curve in record.curves.items() if name.endswith("accuracy")}
    values = np.concatenate([curve.array for curve in accuracies.values()] or [np.zeros(1)])
    values = values[np.isfinite(values)]
    if not len(values) or (values.min() >= 0 and values.max() <= 1):
        return record
    if values.min() < 0 or values.max() > 100:
        raise RunError(
            f"{record.path}: an accuracy is {values.min() if values.min() < 0 else values.max():g}, which is "
            "neither a share nor percent",
            "map the right column with --column, such as --column val_accuracy=COLUMN",
        )
    shares = {
        name: Curve(curve.at, tuple(value / 100 for value in curve.values))
        for name, curve in accuracies.items()
    }
    notes = (*record.notes, "accuracies were taken for percent")
    return replace(record, curves={**record.curves, **shares}, notes=notes)
