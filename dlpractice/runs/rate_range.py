"""What the learning-rate finder of a run saw: one file, for the figure of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from dlpractice.runs.atomic_files import is_there, write_csv
from dlpractice.runs.directory import RANGE, RunDirectory


def write_range(run: RunDirectory, rows: Iterable[Mapping[str, object]]) -> None:
    """Keeps a row for each step of the finder, with the columns of learning-rate.csv."""
    from dlpractice.runs.contract.rows import RangeRow, columns_of

    write_csv(run.writable(RANGE), columns_of(RangeRow), rows)


def read_range(run: RunDirectory) -> list[dict[str, Any]]:
    """What `write_range` kept; nothing where the finder was not asked."""
    from dlpractice.runs.contract.rows import RangeRow, read_rows

    return read_rows(run.path / RANGE, RangeRow) if is_there(run.path / RANGE) else []
