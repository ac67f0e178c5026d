"""A folder of runs that are compared: one run per strategy and seed, and the table that sums them up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.runs import files
from dlpractice.runs.directory import COMPARISON, CONFIG, RunDirectory, refuse_used
from dlpractice.runs.lock import LockedFolder


class Comparison(LockedFolder):
    """Runs under one folder. The runs inside have locks of their own."""

    @staticmethod
    def refuse_used(path: Path) -> None:
        """Raises RunError where `path` holds a run, or a comparison, be it one without a table."""
        if not (path / COMPARISON).exists() and _runs_inside(path):  # killed before the table was written
            raise RunError(
                f"{path} already holds runs of a comparison",
                "continue it with --resume, or give another --run-dir",
            )
        refuse_used(path)

    @staticmethod
    def require(path: Path, hint: str) -> None:
        """Raises RunError where `path` is no comparison."""
        if not path.is_dir():
            raise RunError(
                f"{path} is a file, not a comparison" if path.exists() else f"there is no folder {path}", hint
            )
        if not (path / COMPARISON).is_file() and not _runs_inside(path):
            raise RunError(f"{path} is not a comparison: it has neither {COMPARISON} nor runs in it", hint)

    @property
    def figure_path(self) -> Path:
        """Where the table's figure belongs."""
        return self.path / "comparison.png"

    def run_path(self, strategy: str, seed: int) -> Path:
        """The folder of one run, such as `head/seed-0` or `linear@block3/seed-1`."""
        return self.path / strategy / f"seed-{seed}"

    def runs(self) -> list[RunDirectory]:
        """The runs that were begun, to be read."""
        return [RunDirectory.read(config.parent) for config in sorted(self.path.glob(f"*/seed-*/{CONFIG}"))]

    def write_table(self, table: Mapping[str, object]) -> None:
        """Keep the table. Its figures have value, ci95, n and kind."""
        files.write_json(self.writable(COMPARISON), table)

    def table(self) -> dict[str, Any]:
        """What `write_table` kept."""
        return files.read_json(self.path / COMPARISON)


def _runs_inside(path: Path) -> bool:
    return next(path.glob(f"*/seed-*/{CONFIG}"), None) is not None
