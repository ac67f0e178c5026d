"""What lies in a folder and below it: files, what is passed over, and links that lead in a circle."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dlpractice.data.files.index_items import IMAGES_OR_RECORDINGS, FileKind
from dlpractice.data.naming.system_names import is_clutter, is_system
from dlpractice.errors import DataError


@dataclass(frozen=True)
class Entry:
    """What lies in a folder. What cannot be looked at, as a link to itself, is neither folder nor file."""

    name: str
    path: str

    def is_dir(self) -> bool:
        return os.path.isdir(self.path)

    def is_file(self) -> bool:
        return os.path.isfile(self.path)

    def is_symlink(self) -> bool:
        return os.path.islink(self.path)


@dataclass
class Walk:
    """Walks below `root`, and notes what it passes over: paths relative to `root`, with forward slashes.

    `clutter` are hidden and system files and folders, the folders with a slash at their end; `circles` are
    linked folders that lead back to a folder above them.
    """

    root: Path
    clutter: list[str] = field(default_factory=list)
    circles: list[str] = field(default_factory=list)

    def entries(self, folder: Path) -> list[Entry]:
        """What lies directly in `folder`, sorted by name, without what is passed over.

        Raises:
            DataError: the folder cannot be read.
        """
        kept = []
        for entry in list_entries(folder):
            if is_clutter(entry.name):
                self.clutter.append(self.relative(entry))
            elif entry.is_symlink() and entry.is_dir() and _leads_back(entry):
                self.circles.append(self.relative(entry))
            else:
                kept.append(entry)
        return kept

    def files(self, folder: Path, above: tuple[str, ...] = ()) -> Iterator[str]:
        """The files at any depth below `folder`; linked folders are followed, but not in circles."""
        real = os.path.realpath(folder)
        if real in above:
            self.circles.append(f"{folder.relative_to(self.root).as_posix()}/")
            return
        for entry in self.entries(folder):
            if entry.is_dir():
                yield from self.files(Path(entry.path), (*above, real))
            else:
                yield self.relative(entry)

    def relative(self, entry: Entry) -> str:
        """The entry's path below `root`, that of a folder with a slash at its end."""
        path = Path(entry.path).relative_to(self.root).as_posix()
        return f"{path}/" if entry.is_dir() else path


def list_entries(folder: Path) -> list[Entry]:
    """All that lies directly in `folder`, sorted by name.

    Raises:
        DataError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted((Entry(entry.name, entry.path) for entry in entries), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"cannot read the folder {folder}: {error.strerror}", "check its name and permissions"
        ) from error


def find_files(folder: Path, kind: FileKind) -> tuple[list[str], list[str]]:
    """The files of a kind at any depth below `folder`, and its other files; sorted, relative to it.

    Raises:
        DataError: a folder cannot be read.
    """
    files = sorted(Walk(folder).files(folder))
    return [path for path in files if kind.fits(path)], [path for path in files if not kind.fits(path)]


def may_be_meant(path: str) -> bool:
    """True for a hidden folder or file of images that no system is known to leave behind."""
    is_image = IMAGES_OR_RECORDINGS.fits(path)
    return (path.endswith("/") or is_image) and not is_system(path.rstrip("/").rpartition("/")[2])


def _leads_back(entry: Entry) -> bool:
    above = os.path.realpath(os.path.dirname(entry.path))
    target = os.path.realpath(entry.path)
    return above == target or above.startswith(target.rstrip(os.sep) + os.sep)
