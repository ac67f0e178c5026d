"""Hugging Face's `trainer_state.json`, which `transformers.Trainer` writes."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.columns import assign
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.errors import RunError

LOG = "log_history"


def read_trainer_state(path: Path, document: Mapping[str, Any], mapping: Mapping[str, str]) -> Record:
    """The record of a trainer's state. Times are epochs with their fractions, as the trainer logs them.

    Raises:
        RunError: its log is no list of entries, or has no loss.
    """
    entries = document.get(LOG)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RunError(
            f"{path}: {LOG} must be a list of objects", "give a trainer_state.json as it was written"
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
