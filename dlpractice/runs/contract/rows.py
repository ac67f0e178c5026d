"""The CSV files of a run: a model per row, whose fields are the columns in order."""

import csv
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import Columns, read_text
from dlpractice.runs.contract.document import RESTORE, Count, Text, describe_problem


def _check_share(value: float) -> float:
    if value < 0 or value > 1:  # which lets NaN through
        raise ValueError("must be in [0, 1]")
    return value


Share = Annotated[float, AfterValidator(_check_share)]


class Row(BaseModel):
    """A row of a CSV file. Its cells are text, read as the kind of its column; an empty one is null."""

    model_config = ConfigDict(frozen=True)


class SplitRow(Row):
    """An image, and what it is used for."""

    path: Text = Field(description="The file, relative to the data.")
    label: Text = Field(description="Its class.")
    split: Text = Field(
        description="`train`, `validation`, `test`, or `unused` (left out by `data.fraction`)."
    )
    sha256: Text = Field(description="Of its bytes.")
    group: Text = Field(
        description="The group that the data name; in one-shot runs the alphabet; may be empty."
    )
    bound: Text = Field(
        default="",
        description="The first image that it stays together with: copies, images of one `group`, "
        "near-duplicates as `data.near_duplicates` has it, and what hangs together through them. In one-shot "
        "runs who drew it, where known. Runs of earlier versions lack the column.",
    )


class MetricRow(Row):
    """An epoch."""

    stage: Text = Field(description="`head`, then the strategy; or the one-shot method.")
    epoch: Count = Field(description="From 1 in each stage.")
    step: Count | None = Field(description="Optimiser steps of the stage so far.")
    seconds: float | None = Field(description="Wall time of the epoch, with its validation.")
    learning_rate: float | None = Field(description="Of the epoch's last step.")
    images_per_second: float | None = Field(description="While training.")
    loss: float | None = Field(
        description="On training images as they are, after the epoch; in nats, or the objective's unit."
    )
    accuracy: Share | None = Field(description="On training images as they are, after the epoch.")
    val_loss: float | None = Field(description="On validation.")
    val_accuracy: Share | None = Field(description="On validation.")


class PredictionRow(Row):
    """An image of validation or test; of one-shot runs, a query of the first protocol."""

    path: Text = Field(description="As in `splits.csv`.")
    split: Text = Field(description="As in `splits.csv`.")
    label: Text = Field(description="As in `splits.csv`.")
    predicted: Text = Field(description="The class answered; `undecided` where a one-shot query had a tie.")
    confidence: Share | None = Field(description="The largest softmax output.")
    loss: float | None = Field(description="Cross-entropy, nats.")


class RangeRow(Row):
    """A step of the learning-rate finder."""

    rate: float = Field(description="The learning rate of the step.")
    loss: float | None = Field(description="The loss of its batch; empty where it was no number.")
    smoothed: float | None = Field(description="The loss, smoothed over the steps before.")


class FoldRow(Row):
    """An image, as the run of the fold that tests it sees it."""

    path: Text = Field(description="As in `splits.csv` of the folds' runs.")
    fold: int = Field(description="The fold that tests it, from 1.")
    label: Text = Field(description="As in `splits.csv`.")
    predicted: Text = Field(description="The class answered.")
    confidence: Share | None = Field(description="The largest softmax output.")
    loss: float | None = Field(description="Cross-entropy, nats.")


@functools.cache
def columns_of(model: type[Row]) -> Columns:
    """The columns of a CSV file in order, each with the type of its cells."""
    return {
        name: next(kind for kind in (str, int, float) if kind in _list_types(field.annotation))
        for name, field in model.model_fields.items()
    }


def _list_types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _list_types(inner)


def read_rows(path: Path, model: type[Row]) -> list[dict[str, Any]]:
    """The rows of a CSV file, each cell as its column's type. An empty cell is None, "" among text.

    A column with a default is one that older files lack; rows read from these have no such key.

    Raises:
        RunError: the file is absent, lacks a column, or has a cell that `model` does not allow (named with
            its line).
    """
    names, lines, cells = _read_cells(path)
    columns = columns_of(model)
    missing = [name for name in columns if name not in names]
    if needed := [name for name in missing if model.model_fields[name].is_required()]:
        raise RunError(f"{path}:1 lacks the column {', '.join(needed)}", f"the header is {','.join(columns)}")
    numbers = {name for name, kind in columns.items() if kind is not str}
    rows = []
    for line, row in zip(lines, cells, strict=True):
        if len(row) < len(names):
            raise RunError(f"{path}:{line} ends before the column {names[len(row)]}", RESTORE)
        found = dict(zip(names, row, strict=False))
        rows.append({name: None if cell == "" and name in numbers else cell for name, cell in found.items()})
    try:
        checked = _adapt(model).validate_python(rows)
    except ValidationError as error:
        number, name = error.errors()[0]["loc"][:2]
        raise RunError(f"{path}:{lines[int(number)]} {name} {describe_problem(error)}", RESTORE) from None
    return [{name: vars(row)[name] for name in columns if name not in missing} for row in checked]


def _read_cells(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """The header, and the other rows that are not empty, with the line on which each of them ends."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    lines, cells = [], []
    try:
        header = next(reader, [])
        for row in reader:
            if row:
                lines.append(reader.line_num)
                cells.append(row)
    except csv.Error as error:
        raise RunError(f"{path}:{reader.line_num} is not CSV: {error}", RESTORE) from None
    return header, lines, cells


@functools.cache
def _adapt(model: type[Row]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]
