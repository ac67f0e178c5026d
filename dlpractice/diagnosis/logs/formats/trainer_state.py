"""Hugging Face's `trainer_state.json`, which `transformers.Trainer` writes."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import assign
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.json_files import read_object
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError

FILE = "trainer_state.json"
_LOG = "log_history"


def find_state(path: Path) -> Path | None:
    """The trainer_state.json in a folder, or a JSON file of any name that has what a trainer logs."""
    if path.is_dir():
        return path / FILE if (path / FILE).is_file() else None
    return path if path.suffix == ".json" and _holds_log(path) else None


def find_last_checkpoint(path: Path) -> Path | None:
    """The state in the newest of a trainer's checkpoint folders, which lie in its output folder."""
    states = path.glob(f"checkpoint-*/{FILE}")
    return max(states, key=lambda file: file.stat().st_mtime, default=None)


def _holds_log(path: Path) -> bool:
    """Whether a trainer wrote the file. One that is no JSON object is left to the reader of histories."""
    try:
        return _LOG in read_object(path)
    except RunError:
        return False


def read_file(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a state in a file of its own; raises RunError as `read_trainer_state` does."""
    return read_trainer_state(path, read_object(path), mapping)


def read_trainer_state(path: Path, document: Mapping[str, Any], mapping: Mapping[str, str]) -> Record:
    """The record of a trainer's state. Its times are epochs with fractions, as the trainer logs them.

    Raises:
        RunError: its log is no list of entries, or has no loss.
    """
    entries = document.get(_LOG)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RunError(
            f"{path}: {_LOG} must be a list of objects", "give a trainer_state.json as it was written"
        )
    columns: dict[str, dict[float, float]] = defaultdict(dict)
    for entry in entries:
        if "train_runtime" in entry:  # the summary after the last step; its train_loss is a mean over all
            continue
        for name, value in entry.items():
            if name not in ("epoch", "step") and isinstance(value, int | float):
                columns[name][float(entry.get("epoch", entry.get("step", 0)))] = float(value)
    chosen = assign(columns, mapping, str(path))
    curves = {
        curve: Curve(tuple(sorted(columns[name])), tuple(columns[name][at] for at in sorted(columns[name])))
        for curve, name in chosen.items()
    }
    if not curves:
        raise RunError(f"{path} logs no loss", "set logging_steps and eval_strategy in TrainingArguments")
    unused = tuple(name for name in columns if name not in chosen.values())
    return Record(path=str(path), kind="Hugging Face trainer state", curves=curves, unused=unused)


FORMAT = Format(
    name="Hugging Face trainer state",
    words="a trainer_state.json",
    recognised_by=(
        "a `.json` file with a `log_history`, as `transformers.Trainer` writes it, a folder with a "
        "`trainer_state.json`, or one with `checkpoint-*` folders, of which the newest is read"
    ),
    places=(Place(20, find_state), Place(60, find_last_checkpoint)),
    read=read_file,
)
