"""The folder of a benchmark, and the benchmark.json that others are compared with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.paths import is_file, is_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.directory import BENCHMARK, CONFIG, refuse_used
from dlpractice.runs.lock import LockedFolder

SCHEMA = 1
"""Version of the shape of benchmark.json. A file of another version is refused."""


class BenchmarkFolder(LockedFolder):
    """One benchmark: its config, benchmark.json and figures."""

    @classmethod
    def refuse_used(cls, path: Path) -> None:
        """Raises RunError where `path` holds a run, or a file with one of its names."""
        refuse_used(path, "give another --run-dir")

    @classmethod
    def require(cls, path: Path, hint: str) -> None:
        """Raises RunError where `path` holds no benchmark."""
        if not is_file(path / BENCHMARK):
            raise RunError(f"{path} holds no {BENCHMARK}", hint)

    def write_config(self, text: str) -> None:
        """Writes the config, with every value written out."""
        atomic_files.write_text(self.writable(CONFIG), text)

    def write_document(self, document: Mapping[str, object]) -> None:
        """Writes the result as far as it has come."""
        atomic_files.write_json(self.writable(BENCHMARK), document)

    def document(self) -> dict[str, Any]:
        """The result that `write_document` wrote."""
        return read_benchmark(self.path)

    def figure_path(self, name: str) -> Path:
        """Where the figure called `name` belongs."""
        return self.writable(f"{name}.png")


def read_benchmark(path: Path) -> dict[str, Any]:
    """The benchmark in the file `path`, or in the folder `path`.

    Raises:
        RunError: there is no such file, or it is not JSON, of another command, or of another version.
    """
    path = path / BENCHMARK if is_folder(path) else path
    if not is_file(path):
        raise RunError(f"there is no file {path}", f"name the {BENCHMARK} of an earlier benchmark")
    document = atomic_files.read_json(path)
    if document.get("command") != "benchmark":
        raise RunError(f"{path} is no result of `dlp benchmark`", f"name the {BENCHMARK} of an earlier one")
    if document.get("schema") != SCHEMA:
        raise RunError(
            f"{path} has schema {document.get('schema')}; this version of dlp reads {SCHEMA}",
            "measure it again with this version",
        )
    parts = document.get("parts")
    if not isinstance(parts, dict) or not all(_has_rows(part) for part in parts.values()):
        raise RunError(f"{path} lacks the rows of a benchmark", "restore the file from a copy")
    return document


def _has_rows(part: object) -> bool:
    rows = part.get("rows") if isinstance(part, dict) else None
    return isinstance(rows, list) and all(isinstance(row, dict) and "name" in row for row in rows)
