"""CSV logs, a row for every epoch or every few steps: Keras's `CSVLogger`, Lightning's `metrics.csv`."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.columns import assign
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import read_text
from dlpractice.runs.directory import METRICS

_HINT = (
    "a log has a line with the names of its columns, such as epoch,loss,val_loss, and a line of numbers each"
)
_TIMES = ("epoch", "step")
_SUFFIXES = (".csv", ".tsv", ".log", ".txt")


def find_table(path: Path) -> Path | None:
    """`path` itself, where its name ends like a table's, or the metrics.csv in it, as Lightning names it."""
    file = path / METRICS if path.is_dir() else path
    return file if file.is_file() and file.suffix in _SUFFIXES else None


def read_csv_log(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a CSV log.

    Cells may be empty. Of several lines for one epoch the values are averaged. Epochs that are counted from 0
    are renumbered from 1; without a column of epochs the lines are counted.

    Raises:
        RunError: no header, a cell that is no number, or no column of losses or accuracies.
    """
    text = read_text(path)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name for name in reader.fieldnames or () if name not in _TIMES]
    chosen = assign(names, mapping, str(path))
    if not chosen:
        raise RunError(
            f"{path} has no column of losses or accuracies; it has {', '.join(names) or 'none'}",
            "map them with --column, such as --column val_loss=COLUMN" if names else _HINT,
        )
    values: dict[str, dict[float, list[float]]] = {curve: defaultdict(list) for curve in chosen}
    for number, row in enumerate(reader):
        at = _number(path, reader.line_num, "epoch", row.get("epoch") or str(number))
        for curve, name in chosen.items():
            if cell := (row[name] or "").strip():
                values[curve][at].append(_number(path, reader.line_num, name, cell))
    start = min((at for by_time in values.values() for at in by_time), default=0.0)
    shift = 1.0 if start == 0 else 0.0
    curves = {
        curve: Curve(
            tuple(at + shift for at in sorted(by_time)),
            tuple(sum(by_time[at]) / len(by_time[at]) for at in sorted(by_time)),
        )
        for curve, by_time in values.items()
    }
    kind = "Lightning metrics" if {*_TIMES} <= {*(reader.fieldnames or ())} else "CSV log"
    unused = tuple(name for name in names if name not in chosen.values())
    return Record(path=str(path), kind=kind, curves=curves, unused=unused)


def _number(path: Path, line: int, name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise RunError(f"{path}:{line} {name} must be a number; got {cell!r}", _HINT) from None


FORMAT = Format(
    name="CSV log",
    words="a CSV log (Keras, Lightning)",
    recognised_by=(
        "a `.csv`, `.tsv`, `.log` or `.txt` file with a line of names and lines of numbers, such as the "
        "`CSVLogger` of Keras and that of Lightning write, or a folder with a `metrics.csv`"
    ),
    places=(Place(30, find_table),),
    read=read_csv_log,
)
