"""Records: what a diagnosis is made from, the curves of one training and what else is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlpractice.runs.answers import Answers, collect_answers

Floats = NDArray[np.float64]

Answer = Mapping[str, Any]
"""A row of predictions.csv: path, split, label, predicted, confidence in [0, 1], loss in nats."""

CURVES = {
    "loss": "training loss",
    "accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
    "learning_rate": "learning rate",
}
"""The curves that a log may have, and their names in texts. Most rules need some of the first four."""

Clock = Literal["epoch", "step", "entry"]
"""What the times of a record count: epochs, which may have fractions, optimiser steps, or the entries of a
log that says neither."""


@dataclass(frozen=True)
class Curve:
    """A quantity that was measured again and again during a training.

    at: the times (n,) of the measurements, which rise, on the record's clock; the end of an epoch has its
    number, from 1.
    values: what was measured (n,), at those times.

    Raises:
        ValueError: the two differ in length.
    """

    at: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.at) != len(self.values):
            raise ValueError(f"a curve needs a time for each value; got {len(self.at)}, {len(self.values)}")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> Floats:
        """The times, (n,) float64."""
        return np.array(self.at, np.float64)

    @property
    def array(self) -> Floats:
        """The values, (n,) float64, those that are not finite among them."""
        return np.array(self.values, np.float64)


@dataclass(frozen=True)
class RunFacts:
    """What a run directory of ours holds beside its curves.

    command: the command that trained, finetune or oneshot. config: its config as a tree.
    stage: the stage that the curves are of, which is the run's last. start: the row of metrics.csv for the
    epoch whose weights that stage began with; None where it is the first stage, which begins with fresh ones.
    summary and audit: the JSON files of these names; None where the run has none yet.
    splits: the rows of splits.csv, without those of images that are not used. predictions: the rows of
    predictions.csv, empty until the run has finished. was_chosen: whether the run chose its strategy itself.
    """

    command: str
    config: Mapping[str, Any]
    stage: str = ""
    start: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] | None = None
    splits: tuple[Mapping[str, str], ...] = ()
    predictions: tuple[Answer, ...] = ()
    was_chosen: bool = False

    def setting(self, key: str) -> Any:
        """The config's value of a dotted key such as `training.learning_rate`; None where it has none."""
        value: Any = self.config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def count(self, split: str) -> int:
        """How many examples of `split` (train, validation, test) there are."""
        return sum(row["split"] == split for row in self.splits)

    def labels(self, split: str) -> list[str]:
        """The labels of the examples of `split`."""
        return [row["label"] for row in self.splits if row["split"] == split]

    def answers(self, split: str) -> Answers:
        """Which of the predictions on the examples of `split` are right, and what belongs together."""
        return collect_answers(self.scored(split), self.splits, of_tasks=self.command == "oneshot")

    def bound(self, split: str) -> list[str]:
        """What each image of `split` is bound to: those with the same name are counted as one. None in a
        one-shot run, whose tasks are counted by alphabets."""
        if self.command == "oneshot":
            return []
        return [row["bound"] or row["path"] for row in self.splits if row["split"] == split]

    def scored(self, split: str) -> list[Answer]:
        """The predictions on the examples of `split`."""
        return [row for row in self.predictions if row["split"] == split]


@dataclass(frozen=True)
class Record:
    """One training, be it a run of ours or another library's.

    path: where its log lies. kind: the log's format, in words. curves: by their names in `CURVES`.
    run: what else a run directory of ours holds; None for the logs of other libraries.
    finished: False while a run of ours goes on. unused: the columns that became none of the curves.
    notes: what the reader of the output should know of how the log was read, as sentences.
    clock: what the times of all curves count. columns: by the names of curves, what each was read from in a
    log of others. epochs and steps: how many of them the log says were trained; None where it does not say.
    diagnostics: what the training recorded of its net, as in diagnostics.json; None if it recorded nothing.
    """

    path: str
    kind: str
    curves: Mapping[str, Curve]
    run: RunFacts | None = None
    finished: bool = True
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    clock: Clock = "epoch"
    columns: Mapping[str, str] = field(default_factory=dict)
    epochs: float | None = None
    steps: float | None = None
    diagnostics: Mapping[str, Any] | None = None

    def curve(self, name: str) -> Curve | None:
        """A curve by name; None where the log has none, or an empty one."""
        found = self.curves.get(name)
        return found if found is not None and len(found) else None

    @property
    def recorded_start(self) -> Mapping[str, Any]:
        """What diagnostics.json says of the net before its first step; empty where it says nothing."""
        return (self.diagnostics or {}).get("start") or {}

    @property
    def recorded_epochs(self) -> Sequence[Mapping[str, Any]]:
        """What diagnostics.json says of the net after each epoch, the first one first."""
        return (self.diagnostics or {}).get("epochs") or []

    @property
    def missing(self) -> tuple[str, ...]:
        """What a diagnosis would like to have and this log lacks, in words."""
        lacking = [
            text for name, text in CURVES.items() if self.curve(name) is None and name != "learning_rate"
        ]
        return tuple(lacking)

    @property
    def measures_alike(self) -> bool:
        """Whether training metrics are measured as validation is, without dropout and augmentation."""
        return self.run is not None
