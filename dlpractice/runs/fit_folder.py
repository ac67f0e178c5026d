"""The folder of a training by somebody else's program, which the callback `dlpractice.Diagnose` writes.

It has no config and no splits, since `dlp` did not choose what was trained on what. It has training.json,
metrics.csv with the columns that Keras logs, diagnostics.json as runs have it, and summary.json, which is
written last.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.errors import RunError
from dlpractice.paths import exists, is_file, is_folder, list_folder
from dlpractice.runs import atomic_files
from dlpractice.runs.directory import METRICS, TRAINING
from dlpractice.runs.lock import is_of_writing
from dlpractice.runs.training_folder import SUMMARY, TrainingFolder

if TYPE_CHECKING:
    from dlpractice.runs.contract.document import Document

OWN_COLUMNS: atomic_files.Columns = {"fit": int, "epoch": int, "step": int, "seconds": float}
"""The columns of metrics.csv that are there in any case: the number of the call of `fit`, from 1; the epoch,
from 1 and counted on over calls; the optimiser's steps; and the epoch's wall time with its validation."""


class FitFolder(TrainingFolder):
    """One training of others, perhaps in several calls of `fit`."""

    @classmethod
    def _summary_model(cls) -> "type[Document]":
        from dlpractice.runs.contract.fit_documents import FitSummary

        return FitSummary

    @classmethod
    def refuse_used(cls, path: Path) -> None:
        """Raises RunError where `path` is no folder, or holds something."""
        hint = "give Diagnose another folder, or none: then it makes one"
        if exists(path) and not is_folder(path):
            raise RunError(f"{path} is a file, not a folder", hint)
        entries = list_folder(path) if is_folder(path) else []
        if found := next((entry.name for entry in entries if not is_of_writing(entry.name)), None):
            raise RunError(f"{path} is in use: it holds {found}", hint)

    @classmethod
    def require(cls, path: Path, hint: str) -> None:
        """Raises RunError where `path` holds no such training."""
        if not is_file(path / TRAINING):
            raise RunError(f"{path} is no recorded training: it has no {TRAINING}", hint)

    def write_training(self, facts: Mapping[str, object]) -> None:
        """Keep what the training is: the model, loss and optimiser, and what cannot be recorded of it. A
        summary of an earlier call of `fit` no longer holds."""
        from dlpractice.runs.contract.fit_documents import FitFacts

        self._write(TRAINING, FitFacts, facts)

    def training(self) -> dict[str, Any]:
        """What `write_training` kept."""
        from dlpractice.runs.contract.fit_documents import FitFacts

        return self._read(TRAINING, FitFacts)

    def reopen(self) -> None:
        """Take back that the training has finished: `fit` was called again."""
        self.writable(SUMMARY).unlink(missing_ok=True)

    def write_metrics(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Keep a row for each epoch: the keys of OWN_COLUMNS, and numbers by the names that Keras logs."""
        logged = dict.fromkeys(name for row in rows for name in row if name not in OWN_COLUMNS)
        columns = {**OWN_COLUMNS, **dict.fromkeys(logged, float)}
        atomic_files.write_csv(self.writable(METRICS), columns, rows)

    def metrics_text(self) -> str:
        """metrics.csv as it is; "" before the first epoch has ended."""
        path = self.path / METRICS
        return atomic_files.read_text(path) if atomic_files.is_there(path) else ""
