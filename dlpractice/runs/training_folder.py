"""What every folder of a training keeps, be it a run of `dlp` or a training of somebody else's."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlpractice.runs import atomic_files
from dlpractice.runs.lock import LockedFolder

if TYPE_CHECKING:
    from dlpractice.runs.contract.document import Document

DIAGNOSTICS, SUMMARY = "diagnostics.json", "summary.json"


class TrainingFolder(LockedFolder):
    """A training, by `dlp` or by a program of somebody else: what it recorded of itself, and how it ended.

    What its files hold is said by the models in `runs.contract`. They are imported where a file is read or
    written, since pydantic takes longer to import than `dlp --help` may take.
    """

    @property
    def is_finished(self) -> bool:
        """Whether the training has ended: its summary is there."""
        return atomic_files.is_there(self.path / SUMMARY)

    def _read(self, name: str, model: "type[Document]") -> dict[str, Any]:
        from dlpractice.runs.contract.document import read_document

        return read_document(self.path / name, model)

    def _write(self, name: str, model: "type[Document]", document: Mapping[str, object]) -> None:
        from dlpractice.runs.contract.document import write_document

        write_document(self.writable(name), model, document)

    def write_diagnostics(self, diagnostics: Mapping[str, object]) -> None:
        """Keep what training recorded of itself for `dlp diagnose`."""
        from dlpractice.runs.contract.net_documents import Diagnostics

        self._write(DIAGNOSTICS, Diagnostics, diagnostics)

    def diagnostics(self) -> dict[str, Any] | None:
        """What `write_diagnostics` kept; None where nothing was recorded."""
        from dlpractice.runs.contract.net_documents import Diagnostics

        return (
            self._read(DIAGNOSTICS, Diagnostics) if atomic_files.is_there(self.path / DIAGNOSTICS) else None
        )

    def write_summary(self, summary: Mapping[str, object]) -> None:
        """Keep what came of it, of a run each result with value, ci95, n and kind. It comes last."""
        self._write(SUMMARY, self._summary_model(), summary)

    def summary(self) -> dict[str, Any]:
        """What `write_summary` kept."""
        return self._read(SUMMARY, self._summary_model())

    @classmethod
    @abstractmethod
    def _summary_model(cls) -> "type[Document]":
        """What summary.json holds."""
