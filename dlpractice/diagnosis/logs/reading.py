"""From a path to records: what it is, and who reads it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlpractice.diagnosis.logs.csv_logs import read_csv_log
from dlpractice.diagnosis.logs.event_files import PATTERN, find_event_files, read_events
from dlpractice.diagnosis.logs.keras_logs import read_history, read_json_log
from dlpractice.diagnosis.logs.run_logs import read_run
from dlpractice.diagnosis.logs.trainer_states import LOG, read_trainer_state
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError
from dlpractice.runs.directory import COMPARISON, CONFIG, METRICS, SWEEP
from dlpractice.runs.listing import find_runs

TRAINER_STATE = "trainer_state.json"
_HINT = (
    "give a run directory, a Keras history (.json), a CSV log, a folder of TensorBoard event files, "
    "a trainer_state.json or a Lightning metrics.csv"
)


def holds_several(path: Path) -> bool:
    """Whether `path` is a folder of runs that belong together: a comparison or a sweep."""
    return path.is_dir() and any((path / name).is_file() for name in (COMPARISON, SWEEP))


def read_log(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of the training that `path` holds; of a folder above several runs, of the one written last.

    mapping: curve -> column, for names that are not the usual ones; logs of others only.

    Raises:
        RunError: nothing there that can be read.
    """
    if not path.exists():
        raise RunError(f"there is no file or folder {path}", _HINT)
    record = _read_folder(path, mapping) if path.is_dir() else _read_file(path, mapping)
    return record if record.run is not None else _in_shares(record)


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


def _read_folder(folder: Path, mapping: Mapping[str, str]) -> Record:
    if (folder / CONFIG).is_file():
        return read_run(folder)
    for name in (TRAINER_STATE, METRICS):
        if (folder / name).is_file():
            return _read_file(folder / name, mapping)
    events = find_event_files(folder)
    if events and not any(_is_in_run(file, folder) for file in events):
        return read_events(folder, events, mapping)
    if states := sorted(folder.glob(f"checkpoint-*/{TRAINER_STATE}"), key=lambda file: file.stat().st_mtime):
        return _read_file(states[-1], mapping)
    if runs := [run for run in find_runs(folder) if run.state != "unreadable"]:
        return read_run(runs[-1].path)
    raise RunError(f"{folder} holds no run and no training log", _HINT)


def _read_file(file: Path, mapping: Mapping[str, str]) -> Record:
    if file.name == METRICS and (file.parent / CONFIG).is_file():
        return read_run(file.parent)
    if file.match(PATTERN):
        return read_events(file.parent, [file], mapping)
    if file.suffix == ".json":
        document = read_json_log(file)
        reader = read_trainer_state if LOG in document else read_history
        return reader(file, document, mapping)
    if file.suffix in (".csv", ".tsv", ".log", ".txt"):
        return read_csv_log(file, mapping)
    raise RunError(f"{file} is no training log that can be read", _HINT)


def _is_in_run(file: Path, folder: Path) -> bool:
    """Whether a run directory of ours, below `folder`, holds `file`."""
    return any((parent / CONFIG).is_file() for parent in file.parents if parent.is_relative_to(folder))
