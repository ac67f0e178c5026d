"""MLflow's file store, the folder `mlruns`: an experiment, a run, and a file for each metric.

Each line of such a file is the time in milliseconds, the value and the step.
https://github.com/mlflow/mlflow/blob/master/mlflow/store/tracking/file_store.py
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_events
from dlpractice.diagnosis.logs.texts.text import read_log_text
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError
from dlpractice.paths import find_below, find_matching, is_file, is_folder, open_file, status

_METRICS, _META, _RUNS = "metrics", "meta.yaml", "mlruns"
_TRASH = ".trash"


def find_run(path: Path) -> Path | None:
    """`path` itself, where it is a run, or the run whose folder `metrics` it is; of a store or an experiment,
    or of a folder with `mlruns` in it, the run with the latest measurement."""
    if not is_folder(path):
        return None
    if path.name == _METRICS and is_file(path.parent / _META):
        path = path.parent
    if _is_run(path):
        return path
    store = path / _RUNS if is_folder(path / _RUNS) else path
    runs = [run for run in _list_runs(store) if _TRASH not in run.parts]
    return max(runs, key=lambda run: (_latest(run), run.name), default=None)


def _is_run(path: Path) -> bool:
    return is_folder(path / _METRICS) and (is_file(path / _META) or is_folder(path / "params"))


def _list_runs(store: Path) -> list[Path]:
    """The runs of a store, which lie two folders down, or of an experiment."""
    return [
        file.parent
        for pattern in (f"*/{_METRICS}", f"*/*/{_METRICS}")
        for file in find_matching(store, pattern)
        if _is_run(file.parent)
    ]


def _list_files(run: Path) -> list[Path]:
    return find_below(run / _METRICS, "*")


def _latest(run: Path) -> int:
    """The time of the last line of the run's metrics, in milliseconds. The files' own times are not asked: a
    copy from a repository has new ones."""
    latest = -1
    for file in _list_files(run):
        with open_file(file) as lines:
            lines.seek(max(0, status(file).st_size - 200))
            last = lines.read().strip().rpartition(b"\n")[2].split(b" ")[0]
        latest = max(latest, int(last) if last.isdigit() else -1)
    return latest


def read_run(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of a run.

    Raises:
        RunError: a file of metrics is damaged, or no metric is a loss or an accuracy.
    """
    events = sorted(
        (event for file in _list_files(path) for event in _read_metric(path, file)), key=lambda e: e[0]
    )
    several = len(_list_runs(path.parent))
    notes = (f"it is one of the {several} runs of its experiment",) if several > 1 else ()
    table = tabulate_events(str(path), "MLflow run", (event[1:] for event in events), notes=notes)
    return interpret(table, mapping)


def _read_metric(run: Path, file: Path) -> Iterator[tuple[int, str, float, float]]:
    """Time in milliseconds, name, step and value of each line."""
    name = file.relative_to(run / _METRICS).as_posix()
    for number, line in enumerate(read_log_text(file).splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            yield int(cells[0]), name, float(cells[2]) if len(cells) > 2 else 0.0, float(cells[1])
        except (ValueError, IndexError):
            raise RunError(
                f"{file}:{number} is no line of an MLflow metric: {line[:60]!r}",
                "a line is a time, a value and a step",
            ) from None


FORMAT = Format(
    name="MLflow run",
    words="a store of MLflow (mlruns)",
    recognised_by=(
        "a folder with `metrics` and `meta.yaml` in it, as MLflow's file store has for each run; of a store "
        "`mlruns`, or of an experiment in it, the run with the latest measurement"
    ),
    places=(Place(58, find_run),),
    read=read_run,
)
