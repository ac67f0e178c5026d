"""What a diagnosis is made from: the curves of one training, and what else is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
"""The curves that a log may have. The first four are what a diagnosis stands on."""


@dataclass(frozen=True)
class Curve:
    """Values (n,) measured at the times `at` (n,), which rise. An epoch's time is its number, from 1."""

    at: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.at) != len(self.values):
            raise ValueError(f"a curve needs a time for each value; got {len(self.at)}, {len(self.values)}")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> Floats:
        """(n,) float64."""
        return np.array(self.at, np.float64)

    @property
    def array(self) -> Floats:
        """(n,) float64; values that are not finite are kept."""
        return np.array(self.values, np.float64)


@dataclass(frozen=True)
class RunFacts:
    """What a run directory of ours holds beside its curves, as it stands there.

    config: the config's tree. summary, audit and diagnostics: None where the run has none (yet).
    splits and predictions: see `runs.directory`; images that are not used are left out. stage: the one that
    the curves are of, its last. start: the row of metrics.csv of the epoch whose weights that stage began
    with; None where it is the first, which begins with fresh ones.
    """

    command: str
    config: Mapping[str, Any]
    stage: str = ""
    start: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] | None = None
    diagnostics: Mapping[str, Any] | None = None
    splits: tuple[Mapping[str, str], ...] = ()
    predictions: tuple[Answer, ...] = ()

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

    @property
    def recorded_start(self) -> Mapping[str, Any]:
        """What diagnostics.json says of the net before its first step; empty where it says nothing."""
        return (self.diagnostics or {}).get("start") or {}

    @property
    def recorded_epochs(self) -> Sequence[Mapping[str, Any]]:
        """What diagnostics.json says of the net after each epoch, the first one first."""
        return (self.diagnostics or {}).get("epochs") or []

    def scored(self, split: str) -> list[Answer]:
        """The predictions on the examples of `split`."""
        return [row for row in self.predictions if row["split"] == split]


@dataclass(frozen=True)
class Record:
    """One training, whoever logged it.

    kind: what wrote it, in words. curves: by the names of `CURVES`. run: None for logs of others. unused:
    columns that mean nothing to a diagnosis, or were not chosen. finished: False while a run of ours goes on.
    """

    path: str
    kind: str
    curves: Mapping[str, Curve]
    run: RunFacts | None = None
    finished: bool = True
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def curve(self, name: str) -> Curve | None:
        """A curve by name; None where the log has none, or an empty one."""
        found = self.curves.get(name)
        return found if found is not None and len(found) else None

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
