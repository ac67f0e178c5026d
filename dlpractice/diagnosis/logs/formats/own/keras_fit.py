"""Trainings that the callback `dlpractice.Diagnose` recorded."""

from dataclasses import replace
from pathlib import Path

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import Table
from dlpractice.diagnosis.logs.texts.delimited import tabulate_csv
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import is_file
from dlpractice.runs.directory import METRICS, TRAINING
from dlpractice.runs.fit_folder import OWN_COLUMNS, FitFolder
from dlpractice.runs.training_folder import DIAGNOSTICS, SUMMARY

_KIND = "training by Keras, recorded by Diagnose"
_FILES = (TRAINING, METRICS, DIAGNOSTICS, SUMMARY)


def find_fit(path: Path) -> Path | None:
    """`path` itself, where `Diagnose` wrote it; the folder of a file that it wrote."""
    folder = path.parent if path.name in _FILES and is_file(path) else path
    return folder if is_file(folder / TRAINING) else None


def read_fit(path: Path, mapping: dict[str, str] | None = None) -> Record:
    """The record of a training that `Diagnose` has recorded, finished or not.

    mapping: curve -> column, for metrics without one of the usual names.

    Raises:
        RunError: `path` holds no such training, or one of its files is damaged.
    """
    folder = FitFolder.read(path)
    facts, text = folder.training(), folder.metrics_text()
    record = Record(str(path), _KIND, {})
    if text:
        record = _interpret(tabulate_csv(str(folder.path / METRICS), _KIND, text), mapping or {})
    notes = list(record.notes)
    if facts["fits"] > 1:
        notes.append(f"fit was called {facts['fits']} times; the epochs are counted on")
    if not folder.is_finished:
        notes.append("the training has not finished; what it has logged so far was read")
    elif stopped := folder.summary()["stopped"]:
        notes.append(f"Diagnose stopped the training: {stopped}")
    return replace(
        record,
        path=str(path),
        finished=folder.is_finished,
        notes=(*notes, *facts["not_recorded"]),
        unused=tuple(name for name in record.unused if name not in OWN_COLUMNS),
        diagnostics=folder.diagnostics(),
    )


def _interpret(table: Table, mapping: dict[str, str]) -> Record:
    """A model may log what it likes: where no curve can be told from it, the record says so, and has none."""
    try:
        return interpret(table, mapping)
    except RunError as error:
        if mapping or any(column.flaw for column in table.columns.values()):
            raise
        return Record(table.path, table.kind, {}, notes=(error.message,), unused=tuple(table.columns))


FORMAT = Format(
    name="Keras training with Diagnose",
    words="a training that dlpractice.Diagnose recorded",
    recognised_by="a folder with a `training.json`, which the callback `dlpractice.Diagnose` writes",
    places=(Place(5, find_fit),),
    read=lambda path, mapping: read_fit(path, dict(mapping)),
)
