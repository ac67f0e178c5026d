"""From a path to a record: which format its log has, and the reading of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dlpractice.diagnosis.discovery import import_modules
from dlpractice.diagnosis.logs import formats
from dlpractice.diagnosis.logs.folders import find_latest
from dlpractice.diagnosis.logs.format import Format
from dlpractice.diagnosis.logs.texts.text import refuse_foreign
from dlpractice.diagnosis.record import Record
from dlpractice.errors import PathError, RunError
from dlpractice.paths import Kind, exists, find_matching, identify, is_file, is_folder, open_file, try_look
from dlpractice.runs.directory import COMPARISON, FOLDS, SEARCH, SWEEP

FORMATS: tuple[Format, ...] = tuple(
    sorted((module.FORMAT for module in import_modules(formats)), key=lambda known: known.places[0].rank)
)
"""The FORMAT of every file in `formats`, in the order in which they are tried first."""
_SEARCH = sorted(
    ((place, known) for known in FORMATS for place in known.places), key=lambda pair: pair[0].rank
)


_LOG_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".out")
_MOST = 200
"""Files, or folders, of one depth that are looked at for a log."""
_DEEPEST = 4


def holds_several(path: Path) -> bool:
    """Whether `path` is a folder of runs that belong together, made by a comparison, a sweep,
    a search or a cross-validation."""
    return is_folder(path) and any(is_file(path / name) for name in (COMPARISON, SWEEP, SEARCH, FOLDS))


def read_log(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of the training that `path` holds; of a folder above several runs, of the one written last.

    mapping: curve -> column, for names that are not the usual ones; logs of others only.

    Raises:
        RunError: nothing there that can be read.
    """
    if not exists(path):
        raise RunError(f"there is no file or folder {path}", _list_formats())
    if not is_folder(path):
        open_file(path).close()  # no pipe, which would be waited for, and nothing that may not be read
    for place, log_format in _SEARCH:
        if (found := place.find(path)) is not None:
            return log_format.read(found, mapping)
    if is_folder(path):
        return _read_folder(path, mapping)
    refuse_foreign(path)
    raise RunError(f"{path} is no training log that can be read", _list_formats())


def _read_folder(folder: Path, mapping: Mapping[str, str]) -> Record:
    """The record of the only log in a folder, or in the folders below it that are the nearest with one.

    Of folders that differ by a number, such as `version_0` and `version_1`, the one with the highest is read.

    Raises:
        RunError: there is no log, or there are several.
    """
    folders: list[Path] = [folder]
    entered: set[object] = {identify(folder)}
    for _ in range(_DEEPEST):
        found: dict[str, tuple[Path, Record]] = {}
        for file in _list_files(folders):
            if (record := _try(file, mapping)) is not None:
                found.setdefault(record.path, (file, record))  # a log may consist of several files
        if found:
            return _choose(folder, dict(found.values()))
        folders = list(_list_below(folders, entered))[:_MOST]
    raise RunError(f"{folder} holds no run and no training log", _list_formats())


def _list_files(folders: Sequence[Path]) -> list[Path]:
    files = (file for folder in folders for file in find_matching(folder, "*") if try_look(file) is Kind.FILE)
    return [file for file in files if file.suffix.lower() in _LOG_SUFFIXES][:_MOST]


def _list_below(folders: Sequence[Path], entered: set[object]) -> Iterator[Path]:
    """The folders that lie directly in others, each once, whatever links lead to it; `entered` grows."""
    for child in (child for folder in folders for child in find_matching(folder, "*")):
        if try_look(child) is Kind.FOLDER and (number := identify(child)) not in entered:
            entered.add(number)
            yield child


def _try(file: Path, mapping: Mapping[str, str]) -> Record | None:
    """The record of a file, where it is a log with a curve; None for whatever else lies in folders."""
    try:
        for place, log_format in _SEARCH:
            if (found := place.find(file)) is not None:
                return log_format.read(found, mapping)
    except (RunError, PathError):
        return None
    return None


def _choose(folder: Path, found: Mapping[Path, Record]) -> Record:
    if len(found) == 1:
        return next(iter(found.values()))
    latest = find_latest({file.parent for file in found})
    own = {file: record for file, record in found.items() if file.parent == latest}
    if len(own) == 1:
        (record,) = own.values()
        note = f"of {len(found)} folders that differ by a number {latest.name if latest else ''} was read"
        return replace(record, notes=(*record.notes, note))
    names = ", ".join(str(file.relative_to(folder)) for file in list(found)[:5])
    more = ", ..." if len(found) > 5 else ""
    raise RunError(f"{folder} holds {len(found)} training logs", f"name one of {names}{more}")


def _list_formats() -> str:
    *most, last = (known.words for known in FORMATS)
    return f"give {', '.join(most)} or {last}"
