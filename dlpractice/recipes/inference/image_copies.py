"""Images copied into folders that are named after answers."""

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from dlpractice.errors import DataError
from dlpractice.paths import exists, is_folder
from dlpractice.whole_files import copy_new


def require_folder(folder: Path) -> None:
    """Raises DataError where something else than a folder lies at `folder`."""
    if exists(folder) and not is_folder(folder):
        raise DataError(f"{folder} is a file, and no folder to copy images into", "name a folder")


def copy_image(file: Path, shown: str, folder: Path, *names: str) -> Path:
    """Copies the image `file`, which is called `shown`, into a folder below `folder`, see `copy_new`.

    names: of the folders below, any text: what cannot stand in a folder's name, or would lead elsewhere, is
        written as in an address on the web, `%2F` for a slash.

    Raises:
        PathError: it cannot be read.
        WriteError: it cannot be written.
    """
    return copy_new(file, folder.joinpath(*map(_name_folder, names)), PurePosixPath(shown).name)


def _name_folder(name: str) -> str:
    odd = {"/", "\\", "%", "\0", ":", "*", "?", '"', "<", ">", "|"}
    kept = "".join(quote(letter, safe="") if letter in odd or ord(letter) < 32 else letter for letter in name)
    return f"%2E{kept[1:]}" if kept.startswith(".") else kept or "%"
