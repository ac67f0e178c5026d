"""A run directory: the contract between the commands. Its files' names are written here and nowhere else."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import filelock

from dlpractice.errors import RunError
from dlpractice.paths import Entry, exists, find_matching, is_file, is_folder, list_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.lock import LockedFolder, is_of_writing

SPLIT_COLUMNS: atomic_files.Columns = {
    "path": str,
    "label": str,
    "split": str,
    "sha256": str,
    "group": str,
    "bound": str,
}
METRIC_COLUMNS: atomic_files.Columns = {
    "stage": str,
    "epoch": int,
    "step": int,
    "seconds": float,
    "learning_rate": float,
    "images_per_second": float,
    "loss": float,
    "accuracy": float,
    "val_loss": float,
    "val_accuracy": float,
}
PREDICTION_COLUMNS: atomic_files.Columns = {
    "path": str,
    "split": str,
    "label": str,
    "predicted": str,
    "confidence": float,
    "loss": float,
}

CONFIG, ENVIRONMENT, SPLITS, METRICS = "config.yaml", "environment.json", "splits.csv", "metrics.csv"
PREDICTIONS, AUDIT, SUMMARY, MODEL = "predictions.csv", "audit.json", "summary.json", "model.keras"
CHECKPOINTS, TENSORBOARD = "checkpoints", "tensorboard"
COMPARISON, SWEEP, DIAGNOSTICS = "comparison.json", "sweep.json", "diagnostics.json"
TRIAL, BENCHMARK, TRAINING = "trial.json", "benchmark.json", "training.json"
UNUSED = "unused"
"""In SPLITS, the split of a training image that the config leaves out."""

_OURS = (
    CONFIG,
    ENVIRONMENT,
    SPLITS,
    METRICS,
    PREDICTIONS,
    AUDIT,
    SUMMARY,
    MODEL,
    CHECKPOINTS,
    TENSORBOARD,
    COMPARISON,
    SWEEP,
    TRIAL,
    BENCHMARK,
    DIAGNOSTICS,
    TRAINING,
)


class TrainingFolder(LockedFolder):
    """A training, by `dlp` or by a program of somebody else: what it recorded of itself, and how it ended."""

    @property
    def is_finished(self) -> bool:
        """Whether the training has ended: its summary is there."""
        return is_file(self.path / SUMMARY)

    def write_diagnostics(self, diagnostics: Mapping[str, object]) -> None:
        """Keep what training recorded of itself for `dlp diagnose`."""
        atomic_files.write_json(self.writable(DIAGNOSTICS), diagnostics)

    def diagnostics(self) -> dict[str, Any] | None:
        """What `write_diagnostics` kept; None where nothing was recorded."""
        path = self.path / DIAGNOSTICS
        return atomic_files.read_json(path) if is_file(path) else None

    def write_summary(self, summary: Mapping[str, object]) -> None:
        """Keep what came of it, of a run each result with value, ci95, n and kind. It comes last."""
        atomic_files.write_json(self.writable(SUMMARY), summary)

    def summary(self) -> dict[str, Any]:
        """What `write_summary` kept."""
        return atomic_files.read_json(self.path / SUMMARY)


class RunDirectory(TrainingFolder):
    """One run, and the names of what is in it."""

    def __init__(self, path: Path, lock: filelock.BaseFileLock | None) -> None:
        super().__init__(path, lock)
        self.model_path = path / MODEL
        self.checkpoints = path / CHECKPOINTS
        self.tensorboard = path / TENSORBOARD
        self._metric_lines: list[str] | None = None

    @classmethod
    def refuse_used(cls, path: Path) -> None:
        """Raises RunError where `path` holds a run, or a file with one of its names."""
        refuse_used(path)

    @classmethod
    def require(cls, path: Path, hint: str) -> None:
        """Raises RunError where `path` is no run."""
        _require_run(path, hint)

    @classmethod
    def resume_or_create(cls, path: Path | str) -> Self:
        """The run in `path` to be continued if there is one, else a new one.

        Raises:
            RunError: as `create` and `resume` do.
        """
        return cls.resume(path) if is_file(Path(path) / CONFIG) else cls.create(path)

    @classmethod
    def follow(cls, path: Path | str, scratch: Path) -> Self:
        """The run in `path`, there or not, as one of several processes sees it that train together and of
        which another writes: it is read from `path`, and what is written goes to the folder `scratch`."""
        return _Followed(Path(path), scratch)  # type: ignore[return-value]

    @property
    def is_prepared(self) -> bool:
        """Whether all is written that comes before training: the environment is the last of it."""
        return is_file(self.path / ENVIRONMENT)

    def figure_path(self, name: str) -> Path:
        """Where the figure called `name` belongs."""
        return self.path / f"{name}.png"

    @property
    def has_splits(self) -> bool:
        """Whether it is written what the run trains, validates and tests on."""
        return is_file(self.path / SPLITS)

    @property
    def has_audit(self) -> bool:
        """Whether the audit of the data is written."""
        return is_file(self.path / AUDIT)

    def write_config(self, text: str) -> None:
        """Keep the resolved config: `dlp finetune RUN/config.yaml` repeats the run."""
        atomic_files.write_text(self.writable(CONFIG), text)

    def config_text(self) -> str:
        """The resolved config, as YAML."""
        return atomic_files.read_text(self.path / CONFIG)

    def write_environment(self, environment: Mapping[str, object]) -> None:
        """Keep versions, device, precision, seed, digests of data and weights, and git state."""
        atomic_files.write_json(self.writable(ENVIRONMENT), environment)

    def environment(self) -> dict[str, Any]:
        """What `write_environment` kept."""
        return atomic_files.read_json(self.path / ENVIRONMENT)

    def write_splits(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep what is trained, validated and tested on, and what is left out (its split is UNUSED): a row
        per image, with the keys of SPLIT_COLUMNS."""
        atomic_files.write_csv(self.writable(SPLITS), SPLIT_COLUMNS, rows)

    def splits(self) -> list[dict[str, str]]:
        """One row per image: path (relative to the data), label, split, sha256, group, bound.

        Runs that were written before there was `bound` say by bytes and groups what is bound; which images
        look alike is not known of them here.
        """
        rows = atomic_files.read_csv(self.path / SPLITS, SPLIT_COLUMNS, later=("bound",))
        if rows and "bound" not in rows[0]:
            from dlpractice.statistics.clusters import join_groups  # which brings NumPy

            firsts = join_groups([row["sha256"] for row in rows], [row["group"] for row in rows])
            for row, first in zip(rows, firsts, strict=True):
                row["bound"] = rows[first]["path"]
        return rows

    def append_metrics(self, row: Mapping[str, object]) -> None:
        """Add one epoch's row, with the keys of METRIC_COLUMNS.

        The file is rewritten whole, from lines that are kept in memory. An append would be fewer bytes, but a
        write that crosses a page can be cut by SIGKILL, and each reader would need a rule for half a line. A
        thousand epochs are 100 kB, rewritten in well under a millisecond: 1 % of an epoch of 50 ms.
        """
        self._keep_metric_lines([*self._load_metric_lines(), atomic_files.csv_line(METRIC_COLUMNS, row)])

    def truncate_metrics(self, rows: int) -> None:
        """Keep the first `rows` epochs: a resumed run repeats what came after its checkpoint.

        Raises:
            RunError: there are fewer rows than that.
        """
        lines = self._load_metric_lines()
        if len(lines) < rows:
            raise RunError(
                f"{self.path / METRICS} has {len(lines)} rows, but the checkpoint was written after {rows}",
                "the file was changed by hand or copied in part: restore it, or start a new run",
            )
        self._keep_metric_lines(lines[:rows])

    def metrics(self) -> list[dict[str, Any]]:
        """One row per epoch, in order; none before the first epoch has ended. Empty cells are None."""
        path = self.path / METRICS
        return atomic_files.read_csv(path, METRIC_COLUMNS) if exists(path) else []

    def write_predictions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep one row per image of validation and test, with the keys of PREDICTION_COLUMNS."""
        atomic_files.write_csv(self.writable(PREDICTIONS), PREDICTION_COLUMNS, rows)

    def predictions(self) -> list[dict[str, Any]]:
        """A row per image of validation and test; confidence is in [0, 1], loss in nats."""
        return atomic_files.read_csv(self.path / PREDICTIONS, PREDICTION_COLUMNS)

    def write_audit(self, audit: Mapping[str, object]) -> None:
        """Keep what the audit of the data found, and what was left out."""
        atomic_files.write_json(self.writable(AUDIT), audit)

    def audit(self) -> dict[str, Any]:
        """What `write_audit` kept."""
        return atomic_files.read_json(self.path / AUDIT)

    def _load_metric_lines(self) -> list[str]:
        if self._metric_lines is None:
            self._metric_lines = [atomic_files.csv_line(METRIC_COLUMNS, row) for row in self.metrics()]
        return self._metric_lines

    def _keep_metric_lines(self, lines: list[str]) -> None:
        atomic_files.write_text(
            self.writable(METRICS), atomic_files.csv_header(METRIC_COLUMNS) + "".join(lines)
        )
        self._metric_lines = lines


class _Followed(RunDirectory):
    """A run that another process writes."""

    def __init__(self, path: Path, scratch: Path) -> None:
        super().__init__(path, None)
        self._scratch = scratch
        self.model_path, self.tensorboard = scratch / MODEL, scratch / TENSORBOARD

    def figure_path(self, name: str) -> Path:
        return self._scratch / f"{name}.png"

    def writable(self, name: str) -> Path:
        return self._scratch / name


def refuse_used(path: Path, hint: str = "continue that run with --resume, or give another --run-dir") -> None:
    """Check that a run or a comparison may be created in `path`; `hint` is for where one is already.

    Raises:
        RunError: `path` is no folder, or one that holds something, be it a run's or somebody else's.
    """
    if exists(path) and not is_folder(path):
        raise RunError(f"{path} is a file, not a folder", "give another --run-dir")
    if used := next((name for name in _OURS if exists(path / name)), None):
        raise RunError(f"{path} already holds {used}", hint)
    if foreign := next((entry.name for entry in _entries(path) if not is_of_writing(entry.name)), None):
        raise RunError(
            f"{path} is not empty: it holds {foreign}, which is no part of a run", "give another --run-dir"
        )


def _entries(path: Path) -> list[Entry]:
    return list_folder(path) if is_folder(path) else []


def _require_run(path: Path, hint: str) -> None:
    if not is_folder(path):
        raise RunError(f"{path} is a file, not a run" if exists(path) else f"there is no folder {path}", hint)
    if is_file(path / CONFIG):
        return
    inside = [str(file.parent) for depth in ("*", "*/*") for file in find_matching(path, f"{depth}/{CONFIG}")]
    if inside:
        raise RunError(f"{path} holds several runs, not one", f"name one of them, such as {inside[0]}")
    raise RunError(f"{path} is not a run: it has no {CONFIG}", hint)
