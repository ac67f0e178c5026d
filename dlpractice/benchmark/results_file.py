"""The folder of a benchmark, and the benchmark.json that others are compared with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlpractice.errors import RunError
from dlpractice.paths import is_file, is_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.contract.benchmark_document import BenchmarkDocument
from dlpractice.runs.contract.document import SCHEMA, read_document, read_json, write_document
from dlpractice.runs.directory import BENCHMARK, CONFIG, refuse_used
from dlpractice.runs.lock import LockedFolder


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
        write_document(self.writable(BENCHMARK), BenchmarkDocument, document)

    def document(self) -> dict[str, Any]:
        """The result that `write_document` wrote."""
        return read_benchmark(self.path)

    def figure_path(self, name: str) -> Path:
        """Where the figure called `name` belongs."""
        return self.writable(f"{name}.png")


def read_benchmark(path: Path) -> dict[str, Any]:
    """The benchmark in the file `path`, or in the folder `path`.

    Raises:
        RunError: there is no such file, or it is not JSON, of another command, of a later version, or
            damaged.
    """
    path = path / BENCHMARK if is_folder(path) else path
    if not is_file(path):
        raise RunError(f"there is no file {path}", f"name the {BENCHMARK} of an earlier benchmark")
    if read_json(path).get("command") != "benchmark":
        raise RunError(f"{path} is no result of `dlp benchmark`", f"name the {BENCHMARK} of an earlier one")
    return {"schema": SCHEMA, **read_document(path, BenchmarkDocument)}
