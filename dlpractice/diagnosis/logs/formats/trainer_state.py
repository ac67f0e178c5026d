"""Hugging Face's `trainer_state.json`, which `transformers.Trainer` writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.folders import number_of
from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_rows
from dlpractice.diagnosis.logs.texts.json_text import read_document
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import find_matching, is_file, is_folder

FILE = "trainer_state.json"
_LOG = "log_history"
_HINT = "set logging_steps and eval_strategy in TrainingArguments"


def find_state(path: Path) -> Path | None:
    """The trainer_state.json in a folder, or a JSON file of any name that has what a trainer logs."""
    if is_folder(path):
        return path / FILE if is_file(path / FILE) else None
    return path if path.suffix == ".json" and _holds_log(path) else None


def find_last_checkpoint(path: Path) -> Path | None:
    """The state in the checkpoint folder with the highest number of steps, of those in a trainer's output."""
    return max(
        find_matching(path, f"checkpoint-*/{FILE}"),
        key=lambda file: number_of(file.parent.name),
        default=None,
    )


def _holds_log(path: Path) -> bool:
    """Whether a trainer wrote the file. One that is no JSON object is left to the other readers of JSON."""
    try:
        document = read_document(path)
    except RunError:
        return False
    return isinstance(document, dict) and _LOG in document


def read_file(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a state in a file of its own; raises RunError as `read_trainer_state` does."""
    return read_trainer_state(path, read_document(path), mapping)


def read_trainer_state(path: Path, document: Any, mapping: Mapping[str, str]) -> Record:
    """The record of a trainer's state. Its times are epochs with fractions, as the trainer logs them.

    Raises:
        RunError: its log is no list of entries, or has no loss.
    """
    entries = document.get(_LOG) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RunError(
            f"{path}: {_LOG} must be a list of objects", "give a trainer_state.json as it was written"
        )
    # The summary after the last step has a train_loss that is a mean over all steps.
    rows = [entry for entry in entries if "train_runtime" not in entry]
    return interpret(tabulate_rows(str(path), "Hugging Face trainer state", rows, hint=_HINT), mapping)


FORMAT = Format(
    name="Hugging Face trainer state",
    words="a trainer_state.json",
    recognised_by=(
        "a `.json` file with a `log_history`, as `transformers.Trainer` writes it, a folder with a "
        "`trainer_state.json`, or one with `checkpoint-N` folders, of which that with the highest N is read"
    ),
    places=(Place(20, find_state), Place(60, find_last_checkpoint)),
    read=read_file,
)
