"""Folders of runs that are compared: a run per variant and seed, and the table that sums them up.

A variant is a strategy or method in a comparison, a value in a sweep, an arm in a trial.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dlpractice.errors import RunError
from dlpractice.paths import Entry, exists, find_matching, is_file, is_folder, list_folder
from dlpractice.runs.directory import (
    COMPARISON,
    CONFIG,
    FOLDS,
    MODEL,
    OUT_OF_FOLD,
    SEARCH,
    STUDY,
    SWEEP,
    TRIAL,
    RunDirectory,
    refuse_used,
)
from dlpractice.runs.lock import LOCK_NAME, LockedFolder, is_of_writing

if TYPE_CHECKING:
    from dlpractice.runs.contract.document import Document


class Comparison(LockedFolder):
    """A folder with a run for each variant and seed, and one table of them all.

    Its lock guards the table; each run inside has a lock of its own. `NOUN` is what messages call such a
    folder, and `TABLE` is the name of the table's file.
    """

    NOUN: ClassVar = "comparison"
    TABLE: ClassVar = COMPARISON

    @classmethod
    def refuse_used(cls, path: Path) -> None:
        """Raises RunError where `path` holds a run, or runs that are compared, be it without a table."""
        if not exists(path / cls.TABLE) and _runs_inside(path):  # killed before the table was written
            raise RunError(
                f"{path} already holds runs of a {cls.NOUN}",
                "continue it with --resume, or give another --run-dir",
            )
        refuse_used(path)

    @classmethod
    def require(cls, path: Path, hint: str) -> None:
        """Raises RunError where `path` does not hold runs that are compared in this way."""
        if not is_folder(path):
            raise RunError(
                f"{path} is a file, not a {cls.NOUN}" if exists(path) else f"there is no folder {path}", hint
            )
        if not is_file(path / cls.TABLE) and not _runs_inside(path):
            raise RunError(f"{path} is not a {cls.NOUN}: it has neither {cls.TABLE} nor runs in it", hint)

    @classmethod
    def resume_or_create(cls, path: Path | str) -> Self:
        """The one in `path` to be continued if there is one, else a new one.

        Raises:
            RunError: as `create` and `resume` do.
        """
        path = Path(path)
        return cls.resume(path) if is_file(path / cls.TABLE) or _runs_inside(path) else cls.create(path)

    @property
    def figure_path(self) -> Path:
        """Where the table's figure belongs."""
        return self.path / "comparison.png"

    def run_path(self, variant: str, seed: int) -> Path:
        """The folder of one run, such as `head/seed-0` or `model.width=0.5/seed-1`."""
        return run_folder(self.path, variant, seed)

    def members(self, variant: str, seeds: Iterable[int]) -> list[RunDirectory]:
        """The runs of one variant, to be read."""
        return [RunDirectory.read(self.run_path(variant, seed)) for seed in seeds]

    def runs(self) -> list[RunDirectory]:
        """The runs that were begun, to be read."""
        return [RunDirectory.read(config.parent) for config in find_matching(self.path, f"*/seed-*/{CONFIG}")]

    def write_table(self, table: Mapping[str, object]) -> None:
        """Keep the table. Its figures have value, ci95, n and kind."""
        from dlpractice.runs.contract.document import write_document

        write_document(self.writable(self.TABLE), self._table_model(), table)

    def table(self) -> dict[str, Any]:
        """What `write_table` kept."""
        from dlpractice.runs.contract.document import read_document

        return read_document(self.path / self.TABLE, self._table_model())

    @classmethod
    def _table_model(cls) -> "type[Document]":
        """What the file of the table holds."""
        from dlpractice.runs.contract.group_documents import TABLES

        return TABLES[cls.TABLE]


class Sweep(Comparison):
    """A run per value of a key of the config, or per combination of values of several, and seed."""

    NOUN: ClassVar = "sweep"
    TABLE: ClassVar = SWEEP


class Search(Comparison):
    """A run for each trial of a search, and those of the setting that was chosen, with a seed each."""

    NOUN: ClassVar = "search"
    TABLE: ClassVar = SEARCH

    @property
    def study_path(self) -> Path:
        """Where Optuna keeps the trials that have ended."""
        return self.writable(STUDY)


class Folds(Comparison):
    """A run for each fold of a cross-validation, what each image was taken for by the run that tested it, and
    the models of all runs in one."""

    NOUN: ClassVar = "cross-validation"
    TABLE: ClassVar = FOLDS

    @property
    def model_path(self) -> Path:
        """Where the models of all runs are, in one file."""
        return self.path / MODEL

    def write_predictions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep a row for each image, with the columns of out-of-fold.csv."""
        from dlpractice.runs.atomic_files import write_csv
        from dlpractice.runs.contract.rows import FoldRow, columns_of

        write_csv(self.writable(OUT_OF_FOLD), columns_of(FoldRow), rows)


class Trial(Comparison):
    """The runs of a remedy and of a random one, beside the run that they are compared with."""

    NOUN: ClassVar = "trial"
    TABLE: ClassVar = TRIAL


def run_folder(comparison: Path, variant: str, seed: int) -> Path:
    """Where in the folder of a comparison a run belongs."""
    return comparison / variant / f"seed-{seed}"


def _runs_inside(path: Path) -> bool:
    """Whether runs were begun in `path`, be it only their folders: who made these left a lock beside them."""
    if find_matching(path, f"*/seed-*/{CONFIG}"):
        return True
    inside = (
        [entry for entry in list_folder(path) if not is_of_writing(entry.name)] if is_folder(path) else []
    )
    return exists(path / LOCK_NAME) and bool(inside) and all(map(_is_bare_variant, inside))


def _is_bare_variant(entry: Entry) -> bool:
    return entry.is_folder and all(seed.name.startswith("seed-") for seed in list_folder(entry.path))


def find_model(path: Path) -> Path:
    """The model file in the folder of a cross-validation; any other path as it is."""
    return path / MODEL if is_file(path / FOLDS) else path
