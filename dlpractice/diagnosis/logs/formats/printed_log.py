"""What programs print: Keras's `fit`, the examples of PyTorch and torchvision, and loops in their manner."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import recognise
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_rows
from dlpractice.diagnosis.logs.texts.console_lines import Line, read_lines
from dlpractice.diagnosis.logs.texts.text import name_foreign, read_head, read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.paths import is_file

_SUFFIXES = (".log", ".txt", ".out", ".err", ".stdout", ".stderr", "")
_HEAD = 2**20
_FEWEST = 2


def find_text(path: Path) -> Path | None:
    """`path` itself, where its lines say what a loss was."""
    if not is_file(path) or path.suffix.lower() not in _SUFFIXES:
        return None
    head = read_head(path, _HEAD)
    if name_foreign(head) is not None:
        return None
    found = 0
    for line in read_lines(head.decode("utf-8-sig", errors="replace")):
        found += any("loss" in name or (recognise(name) or line) is not line for name in line.values)
        if found >= _FEWEST:
            return path
    return None


def read_console(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a text. Of averages over an epoch so far, such as a progress bar shows, the last counts.

    Raises:
        RunError: there is no loss and no accuracy.
    """
    rows = list(_merge(read_lines(read_log_text(path))))
    return interpret(tabulate_rows(str(path), "console output", rows), mapping)


def _merge(lines: Iterable[Line]) -> Iterable[dict[str, Any]]:
    """Rows for a table. Lines with running averages are replaced by the next of the same epoch and names."""
    rows: list[dict[str, Any] | None] = []
    running: dict[tuple[Any, str], int] = {}
    epoch: float | None = None
    for line in lines:
        if line.epoch is not None and epoch is not None and line.epoch < epoch:
            running = {}  # another training begins
        epoch = line.epoch if line.epoch is not None else epoch
        row: dict[str, Any] = dict(line.values)
        if line.running:
            for name in line.values:
                before = running.get((line.epoch, name))
                if before is not None and rows[before] is not None:
                    rows[before].pop(name, None)  # type: ignore[union-attr]
                running[line.epoch, name] = len(rows)
        if line.epoch is not None:
            row["epoch"] = line.epoch
        if line.step is not None:
            row["step"] = line.step
        rows.append(row)
    return [row for row in rows if row and row.keys() - {"epoch", "step"}]


FORMAT = Format(
    name="console output",
    words="a printed log (.log, .txt)",
    recognised_by=(
        "a `.log`, `.txt` or `.out` file with lines such as `loss: 0.5 - val_loss: 0.6`, as Keras's `fit`, "
        "the examples of PyTorch and torchvision, Hugging Face's trainer, XGBoost and many loops print"
    ),
    places=(Place(46, find_text),),
    read=read_console,
)
