"""CSV logs, a row for every epoch or every few steps: those of Keras, Lightning, fastai and timm."""

from collections.abc import Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.texts.delimited import is_table, tabulate_csv
from dlpractice.diagnosis.logs.texts.text import name_foreign, read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.paths import is_file, is_folder
from dlpractice.runs.directory import METRICS

_TABLES = (".csv", ".tsv")
_TEXTS = (".log", ".txt", ".md", "")


def find_table(path: Path) -> Path | None:
    """`path` itself, where its name ends like a table's or its text begins like one; the metrics.csv in a
    folder, as Lightning names it."""
    file = path / METRICS if is_folder(path) else path
    if not is_file(file):
        return None
    suffix = file.suffix.lower()
    return file if suffix in _TABLES or (suffix in _TEXTS and _begins_like_one(file)) else None


def _begins_like_one(file: Path) -> bool:
    head = read_head(file)
    return name_foreign(head) is None and is_table(head.decode("utf-8-sig", errors="replace"))


def read_csv_log(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a CSV log.

    Cells may be empty, in percent, or with a comma before the decimals. Of several lines for one epoch the
    values are averaged; epochs that are counted from 0 are renumbered from 1.

    Raises:
        RunError: no header, a cell that is no number, or no column of losses or accuracies.
    """
    table = tabulate_csv(str(path), "CSV log", read_log_text(path))
    if {"epoch", "step"} <= set(table.columns):
        table = table.relabel("Lightning metrics")
    return interpret(table, mapping)


FORMAT = Format(
    name="CSV log",
    words="a CSV log (Keras, Lightning, fastai, timm)",
    recognised_by=(
        "a `.csv`, `.tsv`, `.log` or `.txt` file with a line of names and lines of numbers, such as the "
        "`CSVLogger` of Keras and that of Lightning write, fastai's `CSVLogger`, timm's `summary.csv` and "
        "pandas's `to_csv`, or a folder with a `metrics.csv`"
    ),
    places=(Place(38, find_table),),
    read=read_csv_log,
)
