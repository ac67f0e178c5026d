"""From what the user points at (a folder, a CSV, a zip of either) to an index of image files."""

from dataclasses import replace
from pathlib import Path

from dlpractice.data.files.archive import doubt_names, unpack_zip
from dlpractice.data.files.csv_index import index_csv
from dlpractice.data.files.folder_index import ARCHIVES, LAYOUTS, index_folder, unwrap
from dlpractice.data.files.index_items import IMAGES, FileKind, Index
from dlpractice.data.files.layout_doubts import find_tables, is_table
from dlpractice.errors import DataError, PathError
from dlpractice.paths import absolute, exists, expand_home, is_folder
from dlpractice.progress import Progress
from dlpractice.zip_files import starts_as_zip

_INSTEAD = (
    (ARCHIVES, "unpack it, and give the folder"),
    (
        (".xlsx", ".xls", ".ods", ".txt", ".json", ".jsonl", ".parquet"),
        f"if it says what the images show, save it as CSV with the columns path,label: {LAYOUTS}",
    ),
)


def read_index(
    source: Path | str,
    progress: Progress | None = None,
    kind: FileKind = IMAGES,
    *,
    keep_splits: bool = True,
) -> Index:
    """Indexes class folders, `train/` with `validation/` and/or `test/`, a CSV, or a zip.

    The CSV has the columns `path,label[,split][,group]`. A zip is extracted into the cache, once per content;
    its CSV is read where it has exactly one at its top.

    keep_splits: whether splits that are given count; else a finding says that they do not.

    Raises:
        DataError: nothing there, or nothing that is laid out in one of these ways.
    """
    try:
        found = _read_path(expand_home(source), progress, kind)
        return found if keep_splits else found.without_splits()
    except PathError as error:
        raise DataError(error.message, error.hint) from error


def _read_path(path: Path, progress: Progress | None, kind: FileKind) -> Index:
    if is_folder(path):
        return index_folder(absolute(path), kind)
    if not exists(path):
        raise DataError(
            f"there is no folder or file {path}", "`dlp data ls` shows the data sets known by name"
        )
    if is_table(path.name):
        return index_csv(path)
    if path.suffix.lower() == ".zip":
        return _index_zip(path, progress, kind)
    if starts_as_zip(path):
        raise DataError(f"{path} is a zip by its content", "rename it, so that it ends in .zip")
    hint = next((hint for endings, hint in _INSTEAD if path.name.lower().endswith(endings)), LAYOUTS)
    raise DataError(f"{path} is neither a folder nor a CSV nor a zip", hint)


def _index_zip(path: Path, progress: Progress | None, kind: FileKind) -> Index:
    unpacked = unpack_zip(path, progress)
    root = unwrap(unpacked)
    tables = find_tables(root)
    try:
        index = index_csv(root / tables[0], confined=True) if len(tables) == 1 else index_folder(root, kind)
    except DataError as error:
        # Nobody knows the cache's folder; the archive is what was given.
        said = [text.replace(str(unpacked), str(path)) for text in (error.message, *error.details)]
        raise DataError(said[0], error.hint, said[1:]) from error
    return replace(index, archive=path, findings=(*doubt_names(path), *index.findings))
