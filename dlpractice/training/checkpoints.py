"""Checkpoints: one file with all that a killed run needs to go on and end with the same bits.

Each checkpoint replaces the one before in a single step, so a crash while one is written leaves the old one.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from dlpractice.array_files import read_arrays
from dlpractice.errors import PathError, RunError
from dlpractice.paths import exists
from dlpractice.whole_files import make_folder, replacing

Arrays = dict[str, list[NDArray[Any]]]

_FILE = "latest.npz"
_POSITION, _ORIGIN = "position", "origin"


@dataclass
class Position:
    """Where training stands.

    Args:
        stage, epoch, step: the step that comes next. All three are counted from 0.
        rows: the rows that metrics.csv has, one for each epoch of all stages.
        optimiser_steps: the steps taken in this stage.
        best_epoch: the epoch whose weights are kept; -1 for the weights at the start of the stage.
        lowest: the validation loss of the best epoch, or minus its validation accuracy, whichever is
            monitored.
        waited: the epochs since the best one.
        plateau_factor, plateau_waited: the state of `schedules.Plateau`.
        learning_rate: the stage's, as the config gives it or the finder chose it; 0 before the first step.
        finished: whether the stage is complete.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    stage: int = 0
    epoch: int = 0
    step: int = 0
    rows: int = 0
    optimiser_steps: int = 0
    best_epoch: int = -1
    lowest: float = float("inf")
    waited: int = 0
    plateau_factor: float = 1.0
    plateau_waited: int = 0
    learning_rate: float = 0.0
    finished: bool = False


_POSITIONS = TypeAdapter(Position)


class Checkpoints:
    """The checkpoint of one run.

    Args:
        folder: where its file lies.
        interval: the seconds after which a new one is due.
        origin: stands for the run, and "" for any; a checkpoint of another is refused. Those of earlier
            versions do not say whose they are.
        writes: false for a worker that is not the chief: it reads what the chief wrote, and writes nothing.
    """

    def __init__(self, folder: Path, interval: float, *, origin: str = "", writes: bool = True) -> None:
        self._path = folder / _FILE
        self._interval = interval
        self._origin = origin
        self._writes = writes
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint, or the start, lies `interval` seconds back."""
        return self._writes and time.monotonic() - self._written >= self._interval

    def write(self, position: Position, arrays: Mapping[str, Sequence[Any]]) -> None:
        """Replaces the checkpoint by one of `position` and `arrays`, which are lists of arrays by name.

        Raises:
            WriteError: it cannot be written; the one before is kept.
        """
        if not self._writes:
            return
        named = {
            f"{group}/{index}": np.asarray(value)
            for group, values in arrays.items()
            for index, value in enumerate(values)
        }
        named[_ORIGIN] = np.array(self._origin)
        named[_POSITION] = np.frombuffer(json.dumps(asdict(position)).encode(), np.uint8)
        make_folder(self._path.parent)
        with replacing(self._path, durable=True) as new, new.open("wb") as file:
            np.savez(file, **named)  # type: ignore[arg-type]  # numpy's types take any keyword for an option
        self._written = time.monotonic()

    def read(self) -> tuple[Position, Arrays] | None:
        """The last checkpoint; None if none was written yet.

        Raises:
            RunError: the file cannot be read, or is of another run.
        """
        if not exists(self._path):
            return None
        try:
            found = read_arrays(self._path)
            position = _POSITIONS.validate_json(bytes(found.pop(_POSITION)), strict=True)
            origin = str(found.pop(_ORIGIN, self._origin))
            arrays: Arrays = {}
            for name in sorted(found, key=_sort_key):
                arrays.setdefault(name.split("/")[0], []).append(found[name])
        except (PathError, ValueError, KeyError, TypeError, RecursionError) as error:
            reason = error.reason if isinstance(error, PathError) else error
            raise RunError(
                f"{self._path}: not a checkpoint that this version can read ({reason})",
                "start the run again in another --run-dir",
            ) from error
        if self._origin and origin != self._origin:
            raise RunError(
                f"{self._path} is a checkpoint of another run",
                "put the run's own checkpoint there, or delete it to begin this run anew",
            )
        return position, arrays


def _sort_key(name: str) -> tuple[str, int]:
    group, index = name.rsplit("/", 1)
    return group, int(index)
