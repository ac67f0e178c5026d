"""What a killed run needs to go on as if nothing had happened, in one file that is replaced whole."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import RunError

Arrays = dict[str, list[NDArray[Any]]]

_FILE = "latest.npz"
_POSITION = "position"


@dataclass
class Position:
    """Where training stands: `step` of `epoch` of stage `stage` comes next, all counted from 0.

    rows: epochs written to metrics.csv so far. optimiser_steps: steps of this stage. best_epoch and
    lowest: the epoch whose weights are kept (-1 for those that the stage began with), and its validation
    loss, which a few hundred images measure less coarsely than accuracy (or minus its accuracy, where that
    is monitored). waited: epochs since then.
    plateau_factor, plateau_waited: see `schedules.Plateau`. learning_rate: what the finder chose, where it
    was asked. finished: the stage is complete.
    """

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


class Checkpoints:
    """The checkpoint of one run, written at most every `interval` seconds unless it must be written now.

    writes: false for a worker that is not the chief: it reads what the chief wrote, and writes nothing.
    """

    def __init__(self, folder: Path, interval: float, *, writes: bool = True) -> None:
        self._path = folder / _FILE
        self._interval = interval
        self._writes = writes
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last one."""
        return self._writes and time.monotonic() - self._written >= self._interval

    def write(self, position: Position, arrays: Mapping[str, Sequence[Any]]) -> None:
        """Replaces the checkpoint by `position` and named lists of arrays."""
        if not self._writes:
            return
        named = {
            f"{group}/{index}": np.asarray(value)
            for group, values in arrays.items()
            for index, value in enumerate(values)
        }
        named[_POSITION] = np.frombuffer(json.dumps(asdict(position)).encode(), np.uint8)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".tmp-{_FILE}")
        with temporary.open("wb") as file:
            np.savez(file, **named)  # type: ignore[arg-type]  # numpy's types take any keyword for an option
        os.replace(temporary, self._path)
        self._written = time.monotonic()

    def read(self) -> tuple[Position, Arrays] | None:
        """The last checkpoint; None where none was written yet. Raises RunError where it cannot be read."""
        if not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                position = Position(**json.loads(bytes(file[_POSITION])))
                arrays: Arrays = {}
                for name in sorted((key for key in file.files if key != _POSITION), key=_sort_key):
                    arrays.setdefault(name.split("/")[0], []).append(file[name])
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise RunError(
                f"{self._path}: not a checkpoint that this version can read ({error})",
                "start the run again in another --run-dir",
            ) from error
        return position, arrays


def _sort_key(name: str) -> tuple[str, int]:
    group, index = name.rsplit("/", 1)
    return group, int(index)
