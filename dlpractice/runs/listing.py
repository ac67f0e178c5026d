"""The runs under a folder, each described in a few words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from dlpractice.errors import DlpError, PathError, RunError
from dlpractice.paths import Kind, is_folder, status, try_look, walk
from dlpractice.runs.atomic_files import is_there
from dlpractice.runs.directory import BENCHMARK, CONFIG, METRICS, RunDirectory
from dlpractice.runs.training_folder import SUMMARY


@dataclass(frozen=True)
class RunDescription:
    """One line of `dlp runs ls`.

    `command`, `strategy` (of a one-shot run: its method) and `source` (the data) come from the config, ""
    where it has none. `test_accuracy` has value, ci95, n and kind, and is None until the run is finished;
    `result` is its name in the summary: test_accuracy, or a one-shot protocol. `written` is when the run last
    wrote its config, metrics or summary: local time, ISO 8601. `problem` says what is wrong with a run that
    is unreadable.
    """

    path: Path
    command: str
    strategy: str
    source: str
    state: Literal["finished", "unfinished", "unreadable"]
    test_accuracy: dict[str, Any] | None
    result: str
    written: datetime
    problem: str = ""

    def to_json(self) -> dict[str, object]:
        """The same, in types that JSON has."""
        return asdict(self) | {"path": str(self.path), "written": self.written.isoformat(timespec="seconds")}


def find_runs(root: Path | str) -> list[RunDescription]:
    """The runs in `root` and below it, the one written last at the end, those that cannot be read included.

    Raises:
        RunError: `root` is no folder.
    """
    root = Path(root)
    if not is_folder(root):
        raise RunError(
            f"there is no folder {root}", "name the folder that holds your runs: `dlp runs ls FOLDER`"
        )
    runs = [_describe(path) if problem is None else _refuse(path, problem) for path, problem in _walk(root)]
    return sorted(runs, key=lambda run: (run.written, run.path))


def list_run_paths(root: Path) -> list[Path]:
    """The folders of the runs in `root` and below it, in the order of their names."""
    return sorted(path for path, problem in _walk(root) if problem is None)


def _walk(root: Path) -> Iterator[tuple[Path, DlpError | None]]:
    """The folders of runs, and those that cannot be looked into, with the reason."""
    for folder, entries in walk(root):
        if isinstance(entries, PathError):
            yield folder, entries
        elif any(entry.name == CONFIG for entry in entries):
            entries.clear()  # a run holds no runs, but may hold many files
            yield folder, None


def _describe(path: Path) -> RunDescription:
    try:
        run = RunDirectory.read(path)
        config = run.config_tree()
        results = run.summary().get("results", {}) if run.is_finished else {}
        finished = run.is_finished or _is_finished_benchmark(path)
    except (RunError, PathError) as error:
        return _refuse(path, error)
    data = config.get("data")
    result = headline(results)
    return RunDescription(
        path=path,
        command=str(config.get("command", "")),
        strategy=str(config.get("strategy", config.get("method", ""))),
        source=str(data.get("source", "")) if isinstance(data, dict) else "",
        state="finished" if finished else "unfinished",
        test_accuracy=results.get(result),
        result=result,
        written=_last_write(path),
    )


def _refuse(path: Path, problem: DlpError) -> RunDescription:
    return RunDescription(path, "", "", "", "unreadable", None, "", _last_write(path), problem.message)


def _last_write(path: Path) -> datetime:
    """When one of its files was written last; where none can be looked at, when the folder was changed."""
    known = [path / name for name in (CONFIG, METRICS, SUMMARY, BENCHMARK)]
    files = [file for file in known if try_look(file) is Kind.FILE]
    return datetime.fromtimestamp(max(status(file).st_mtime for file in files or [path])).astimezone()


def _is_finished_benchmark(path: Path) -> bool:
    from dlpractice.runs.contract.benchmark_document import BenchmarkDocument
    from dlpractice.runs.contract.document import read_document

    file = path / BENCHMARK
    return is_there(file) and bool(read_document(file, BenchmarkDocument).get("finished"))


def headline(results: Mapping[str, Any]) -> str:
    """The name of the result on test that a run is judged by, which is the first; "" if there is none."""
    return next((name for name in results if not name.startswith("val_")), "")
