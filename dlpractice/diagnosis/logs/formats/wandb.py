"""What Weights & Biases exports from a chart: CSV with columns such as `my-run - train/loss`."""

from collections.abc import Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.columns import recognise
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.texts.delimited import read_header, tabulate_csv
from dlpractice.diagnosis.logs.texts.text import read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.paths import is_file

_BETWEEN = " - "
_BOUNDS = ("__MIN", "__MAX")


def find_export(path: Path) -> Path | None:
    """`path` itself, where it is such a CSV: the lowest and highest values of a chart stand beside each."""
    if not is_file(path) or path.suffix != ".csv":
        return None
    names = read_header(read_head(path).decode("utf-8-sig", errors="replace"))
    return path if any(_BETWEEN in name and name.endswith(_BOUNDS) for name in names) else None


def read_export(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of an export. Columns of several runs keep the names of these, and have to be mapped.

    Raises:
        RunError: a cell is no number, or no column is a loss or an accuracy.
    """
    table = tabulate_csv(str(path), "Weights & Biases export", read_log_text(path))
    bounds = [name for name in table.columns if name.endswith(_BOUNDS)]
    table = table.drop(bounds)
    runs = {name.partition(_BETWEEN)[0] for name in table.columns if _BETWEEN in name}
    short = {name: name.partition(_BETWEEN)[2] for name in table.columns if _BETWEEN in name}
    if len(runs) == 1:
        table = table.rename({name: new for name, new in short.items() if name not in mapping.values()})
    elif not any(recognise(name) for name in short):
        first = next((name for name in short if recognise(short[name])), "RUN - loss")
        table = table.advise(f"it holds {len(runs)} runs; choose one, such as --column 'loss={first}'")
    return interpret(table, mapping)


FORMAT = Format(
    name="Weights & Biases export",
    words="a CSV export of Weights & Biases",
    recognised_by=(
        "a `.csv` file with columns such as `RUN - train/loss` and `RUN - train/loss__MIN`, as a chart is "
        "exported; whole histories are read as CSV or JSON Lines"
    ),
    places=(Place(32, find_export),),
    read=read_export,
)
