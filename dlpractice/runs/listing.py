"""The runs under a folder, each described in a few words."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import read_json
from dlpractice.runs.directory import BENCHMARK, CONFIG, METRICS, SUMMARY, RunDirectory


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
    if not root.is_dir():
        raise RunError(
            f"there is no folder {root}", "name the folder that holds your runs: `dlp runs ls FOLDER`"
        )
    return sorted((_describe(path) for path in list_run_paths(root)), key=lambda run: (run.written, run.path))


def list_run_paths(root: Path) -> list[Path]:
    """The folders of the runs in `root` and below it, in the order of their names."""
    return sorted(_walk_runs(root))


def _walk_runs(root: Path) -> Iterator[Path]:
    for folder, inside, names in os.walk(root):
        if CONFIG in names:
            inside.clear()  # a run holds no runs, but may hold many files
            yield Path(folder)


def _describe(path: Path) -> RunDescription:
    known = [path / name for name in (CONFIG, METRICS, SUMMARY, BENCHMARK)]
    written = datetime.fromtimestamp(
        max(file.stat().st_mtime for file in known if file.exists())
    ).astimezone()
    try:
        run = RunDirectory.read(path)
        config = read_config_tree(run)
        results = run.summary().get("results", {}) if run.is_finished else {}
        finished = run.is_finished or _is_finished_benchmark(path)
    except RunError as error:
        return RunDescription(path, "", "", "", "unreadable", None, "", written, error.message)
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
        written=written,
    )


def _is_finished_benchmark(path: Path) -> bool:
    file = path / BENCHMARK
    return file.is_file() and bool(read_json(file).get("finished"))


def headline(results: Mapping[str, Any]) -> str:
    """The name of the result on test that a run is judged by, which is the first; "" if there is none."""
    return next((name for name in results if not name.startswith("val_")), "")


def read_config_tree(run: RunDirectory) -> dict[str, Any]:
    """The config of a run of any command as a plain mapping, unchecked: old runs stay readable.

    Raises:
        RunError: it is not YAML, or not a mapping.
    """
    try:
        tree = yaml.safe_load(run.config_text())
    except yaml.YAMLError as error:
        raise RunError(f"{run.path / CONFIG} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise RunError(f"{run.path / CONFIG} must hold a mapping; it holds a {type(tree).__name__}")
    return tree
