"""A run directory: the contract between the commands. Its files' names are written here."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dlpractice.errors import RunError
from dlpractice.paths import Entry, exists, find_matching, is_folder, list_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.lock import is_of_writing
from dlpractice.runs.training_folder import DIAGNOSTICS, SUMMARY, TrainingFolder

if TYPE_CHECKING:
    import filelock

    from dlpractice.runs.contract.document import Document

CONFIG, ENVIRONMENT, SPLITS, METRICS = "config.yaml", "environment.json", "splits.csv", "metrics.csv"
PREDICTIONS, AUDIT, MODEL = "predictions.csv", "audit.json", "model.keras"
CHECKPOINTS, TENSORBOARD = "checkpoints", "tensorboard"
COMPARISON, SWEEP, SEARCH = "comparison.json", "sweep.json", "search.json"
FOLDS, OUT_OF_FOLD = "folds.json", "out-of-fold.csv"
TRIAL, BENCHMARK, TRAINING = "trial.json", "benchmark.json", "training.json"
STUDY = "study.sqlite3"
CHOICE, CANDIDATES, RANGE = "choice.json", "candidates", "learning-rate.csv"
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
    SEARCH,
    STUDY,
    FOLDS,
    OUT_OF_FOLD,
    TRIAL,
    BENCHMARK,
    DIAGNOSTICS,
    TRAINING,
    CHOICE,
    CANDIDATES,
    RANGE,
)


class RunDirectory(TrainingFolder):
    """One run, and the names of what is in it."""

    def __init__(self, path: Path, lock: "filelock.BaseFileLock | None") -> None:
        super().__init__(path, lock)
        self.model_path = path / MODEL
        self.checkpoints = path / CHECKPOINTS
        self.tensorboard = path / TENSORBOARD
        self.candidates = path / CANDIDATES
        self._metric_lines: list[str] | None = None

    @classmethod
    def _summary_model(cls) -> "type[Document]":
        from dlpractice.runs.contract.run_documents import Summary

        return Summary

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
        return cls.resume(path) if atomic_files.is_there(Path(path) / CONFIG) else cls.create(path)

    @classmethod
    def follow(cls, path: Path | str, scratch: Path) -> Self:
        """The run in `path`, there or not, as one of several processes sees it that train together and of
        which another writes: it is read from `path`, and what is written goes to the folder `scratch`."""
        return _Followed(Path(path), scratch)  # type: ignore[return-value]

    @property
    def is_prepared(self) -> bool:
        """Whether all is written that comes before training: the environment is the last of it."""
        return atomic_files.is_there(self.path / ENVIRONMENT)

    def figure_path(self, name: str) -> Path:
        """Where the figure called `name` belongs."""
        return self.path / f"{name}.png"

    @property
    def has_splits(self) -> bool:
        """Whether it is written what the run trains, validates and tests on."""
        return atomic_files.is_there(self.path / SPLITS)

    @property
    def has_audit(self) -> bool:
        """Whether the audit of the data is written."""
        return atomic_files.is_there(self.path / AUDIT)

    def write_config(self, text: str) -> None:
        """Keep the resolved config: `dlp finetune RUN/config.yaml` repeats the run."""
        atomic_files.write_text(self.writable(CONFIG), text)

    def config_tree(self) -> dict[str, Any]:
        """The config of a run of any version and command, as plain values."""
        from dlpractice.runs.contract.config_document import read_config_document

        return read_config_document(self.path / CONFIG)

    def write_environment(self, environment: Mapping[str, object]) -> None:
        """Keep versions, device, precision, seed, digests of data and weights, and git state."""
        from dlpractice.runs.contract.run_documents import Environment

        self._write(ENVIRONMENT, Environment, environment)

    def environment(self) -> dict[str, Any]:
        """What `write_environment` kept."""
        from dlpractice.runs.contract.run_documents import Environment

        return self._read(ENVIRONMENT, Environment)

    def write_splits(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep what is trained, validated and tested on, and what is left out (its split is UNUSED): a row
        per image, with the columns of splits.csv."""
        from dlpractice.runs.contract.rows import SplitRow, columns_of

        atomic_files.write_csv(self.writable(SPLITS), columns_of(SplitRow), rows)

    def splits(self) -> list[dict[str, str]]:
        """One row per image: path (relative to the data), label, split, sha256, group, bound.

        Runs that were written before there was `bound` say by bytes and groups what is bound; which images
        look alike is not known of them here.
        """
        from dlpractice.runs.contract.rows import SplitRow, read_rows

        rows = read_rows(self.path / SPLITS, SplitRow)
        if rows and "bound" not in rows[0]:
            from dlpractice.statistics.clusters import join_groups  # which brings NumPy

            firsts = join_groups([row["sha256"] for row in rows], [row["group"] for row in rows])
            for row, first in zip(rows, firsts, strict=True):
                row["bound"] = rows[first]["path"]
        return rows

    def append_metrics(self, row: Mapping[str, object]) -> None:
        """Add one epoch's row, with the columns of metrics.csv.

        The file is rewritten whole, from lines that are kept in memory. An append would be fewer bytes, but a
        write that crosses a page can be cut by SIGKILL, and each reader would need a rule for half a line. A
        thousand epochs are 100 kB, rewritten in well under a millisecond: 1 % of an epoch of 50 ms.
        """
        self._keep_metric_lines([*self._load_metric_lines(), atomic_files.csv_line(_metric_columns(), row)])

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
        from dlpractice.runs.contract.rows import MetricRow, read_rows

        return read_rows(path, MetricRow) if atomic_files.is_there(path) else []

    def write_predictions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep one row per image of validation and test, with the columns of predictions.csv."""
        from dlpractice.runs.contract.rows import PredictionRow, columns_of

        atomic_files.write_csv(self.writable(PREDICTIONS), columns_of(PredictionRow), rows)

    def predictions(self) -> list[dict[str, Any]]:
        """A row per image of validation and test; confidence is in [0, 1], loss in nats."""
        from dlpractice.runs.contract.rows import PredictionRow, read_rows

        return read_rows(self.path / PREDICTIONS, PredictionRow)

    def write_audit(self, audit: Mapping[str, object]) -> None:
        """Keep what the audit of the data found, and what was left out."""
        from dlpractice.runs.contract.run_documents import AuditDocument

        self._write(AUDIT, AuditDocument, audit)

    def audit(self) -> dict[str, Any]:
        """What `write_audit` kept."""
        from dlpractice.runs.contract.run_documents import AuditDocument

        return self._read(AUDIT, AuditDocument)

    def write_choice(self, choice: Mapping[str, object]) -> None:
        """Keep what was left open in the config, and what became of it."""
        from dlpractice.runs.contract.choice_document import ChoiceDocument

        self._write(CHOICE, ChoiceDocument, choice)

    def choice(self) -> dict[str, Any] | None:
        """What `write_choice` kept; None in a run whose config left nothing open."""
        from dlpractice.runs.contract.choice_document import ChoiceDocument

        return self._read(CHOICE, ChoiceDocument) if atomic_files.is_there(self.path / CHOICE) else None

    def drop_checkpoints(self) -> None:
        """Remove what `--resume` would need, of a run that has finished and that nobody will go on with."""
        shutil.rmtree(self.writable(CHECKPOINTS), ignore_errors=True)

    def _load_metric_lines(self) -> list[str]:
        if self._metric_lines is None:
            self._metric_lines = [atomic_files.csv_line(_metric_columns(), row) for row in self.metrics()]
        return self._metric_lines

    def _keep_metric_lines(self, lines: list[str]) -> None:
        atomic_files.write_text(
            self.writable(METRICS), atomic_files.csv_header(_metric_columns()) + "".join(lines)
        )
        self._metric_lines = lines


def _metric_columns() -> atomic_files.Columns:
    from dlpractice.runs.contract.rows import MetricRow, columns_of

    return columns_of(MetricRow)


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
    if atomic_files.is_there(path / CONFIG):
        return
    inside = [str(file.parent) for depth in ("*", "*/*") for file in find_matching(path, f"{depth}/{CONFIG}")]
    if inside:
        raise RunError(f"{path} holds several runs, not one", f"name one of them, such as {inside[0]}")
    raise RunError(f"{path} is not a run: it has no {CONFIG}", hint)
