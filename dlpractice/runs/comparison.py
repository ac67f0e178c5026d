"""A folder of runs that are compared: one run per strategy and seed, and the table that sums them up."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import filelock

from dlpractice.errors import RunError
from dlpractice.runs import files
from dlpractice.runs.directory import COMPARISON, CONFIG, refuse_used
from dlpractice.runs.lock import lock_folder


class Comparison:
    """Runs under one folder: open it with `create`, `resume` or `read`; a context manager, as a run is.

    The runs inside have locks of their own.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock | None) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, path: Path | str) -> Self:
        """A new comparison in `path`, which is made if need be.

        Raises:
            RunError: `path` holds a run or a comparison already, or another process writes there.
        """
        path = Path(path)
        _refuse_compared(path)
        lock = lock_folder(path)
        try:
            _refuse_compared(path)
        except RunError:
            lock.release()
            raise
        return cls(path, lock)

    @classmethod
    def resume(cls, path: Path | str) -> Self:
        """The comparison in `path`, to be continued.

        Raises:
            RunError: `path` holds no comparison, or another process writes there.
        """
        path = Path(path)
        _require_comparison(path, "start it without --resume")
        return cls(path, lock_folder(path))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The comparison in `path`, to be read.

        Raises:
            RunError: `path` holds no comparison.
        """
        path = Path(path)
        _require_comparison(path, "`dlp runs ls` lists the runs there are")
        return cls(path, None)

    def close(self) -> None:
        """Give the lock back. Closing twice does no harm."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def figure_path(self) -> Path:
        """Where the table's figure belongs."""
        return self.path / "comparison.png"

    def run_path(self, strategy: str, seed: int) -> Path:
        """The folder of one run, such as `head/seed-0` or `linear@block3/seed-1`."""
        return self.path / strategy / f"seed-{seed}"

    def write_table(self, table: Mapping[str, object]) -> None:
        """Keep the table. Its figures have value, ci95, n and kind."""
        if self._lock is None:
            raise RunError(f"{self.path} is open for reading only", "open it with `create` or `resume`")
        files.write_json(self.path / COMPARISON, table)

    def table(self) -> dict[str, Any]:
        """What `write_table` kept."""
        return files.read_json(self.path / COMPARISON)


def _runs_inside(path: Path) -> bool:
    return next(path.glob(f"*/seed-*/{CONFIG}"), None) is not None


def _refuse_compared(path: Path) -> None:
    refuse_used(path)
    if _runs_inside(path):  # killed before the table was written
        raise RunError(
            f"{path} already holds runs of a comparison",
            "continue it with --resume, or give another --run-dir",
        )


def _require_comparison(path: Path, hint: str) -> None:
    if not path.is_dir():
        raise RunError(
            f"{path} is a file, not a comparison" if path.exists() else f"there is no folder {path}", hint
        )
    if not (path / COMPARISON).is_file() and not _runs_inside(path):
        raise RunError(f"{path} is not a comparison: it has neither {COMPARISON} nor runs in it", hint)
