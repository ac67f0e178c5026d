"""Ultralytics' `results.csv`: classification, detection, segmentation, poses; YOLOv5's as well."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import Column, Table
from dlpractice.diagnosis.logs.texts.delimited import read_header, tabulate_csv
from dlpractice.diagnosis.logs.texts.text import read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.paths import is_file, is_folder

FILE = "results.csv"


def find_results(path: Path) -> Path | None:
    """`path` itself, or the results.csv in it, where it has columns like `train/loss` and `metrics/...`."""
    file = path / FILE if is_folder(path) else path
    if not is_file(file) or file.suffix != ".csv":
        return None
    names = read_header(read_head(file, 4096).decode("utf-8-sig", errors="replace"))
    groups = {name.partition("/")[0] for name in names if "/" in name}
    return file if {"metrics", "train", "val"} <= groups or {"metrics", "train", "test"} <= groups else None


def read_results(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of such a file. Where a loss has parts, such as `box_loss` and `cls_loss`, it is their sum.

    Raises:
        RunError: a cell is no number, or no column is a loss.
    """
    table = tabulate_csv(str(path), "Ultralytics results", read_log_text(path))
    for split in ("train", "val"):
        table = _add_total(table, split)
    return interpret(table, mapping)


def _add_total(table: Table, split: str) -> Table:
    """The table with the sum of the losses of a split, over the epochs in which all of them were measured."""
    parts = [name for name in table.columns if name.startswith(f"{split}/") and name.endswith("_loss")]
    total = f"{split}/loss"
    if total in table.columns or not parts:
        return table
    rows = table.columns[parts[0]].rows
    if any(not np.array_equal(table.columns[name].rows, rows) for name in parts):
        return table
    values = np.sum([table.columns[name].values for name in parts], axis=0)
    return table.add({total: Column(rows, values)}, f"{total} is the sum of {', '.join(parts)}")


FORMAT = Format(
    name="Ultralytics results",
    words="a results.csv of Ultralytics",
    recognised_by="a `results.csv` with columns such as `train/loss` and `metrics/...`, or a folder with one",
    places=(Place(30, find_results),),
    read=read_results,
)
