"""Safe extraction of zip files that come from anywhere."""

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlpractice.data.files.index_items import Finding
from dlpractice.data.naming.class_names import is_text
from dlpractice.data.naming.zip_names import read_name
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError
from dlpractice.paths import exists, open_file
from dlpractice.progress import Progress, Silent
from dlpractice.refusals import MOST_NAME_BYTES, naming
from dlpractice.whole_files import making_folder
from dlpractice.zip_files import iterate, open_zip

# A folder in so many others is no data set, and more than programs that tidy up can take.
_DEEPEST = 100
_SHOWN = 200
_BY_HAND = "unpack it by hand if you trust it"
_HINT = "get the archive again, or unpack it yourself and give the folder"


@dataclass(frozen=True)
class Unpacking(Keyed):
    """The files of the zip whose bytes have this `sha256`, in the cache."""

    sha256: str

    def unpack(self, archive: Path, progress: Progress | None = None) -> Path:
        """The folder with the files of `archive`, which is extracted unless that was done before.

        Raises:
            DataError: see `extract`.
        """
        return extract(archive, self.cache_place("zips"), progress)


def unpack_zip(archive: Path, progress: Progress | None = None) -> Path:
    """The folder in the cache with the files of `archive`.

    Raises:
        DataError: see `extract`.
    """
    with open_file(archive) as file, naming(archive, "read"):
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Unpacking(digest).unpack(archive, progress)


def extract(archive: Path, target: Path, progress: Progress | None = None) -> Path:
    """Extracts the zip file `archive` into the new folder `target`, all of it or nothing.

    An existing `target` is kept. Names are checked before anything is written: no absolute path, no `..`, no
    drive, no link or device, no name twice. The number of files, their total size and the compression ratio
    are bounded, and each file's checksum is verified.

    Raises:
        DataError: no zip file, a damaged or encrypted one, one that breaks these rules, or no room on the
            disk.
    """
    progress = progress or Silent()
    if exists(target):
        return target
    with open_zip(archive):  # before a place is made for it
        pass
    with writing(target.parent / f".{target.name}.extracting"):
        if exists(target):
            return target
        with making_folder(target) as partial:
            _extract_all(archive, partial, target.parent, progress)
    return target


def doubt_names(archive: Path) -> list[Finding]:
    """What had to be guessed about the names in a zip file that was extracted."""
    with open_zip(archive) as opened:
        names = [read_name(entry) for entry in opened.infolist() if not _is_folder(entry)]
    findings = []
    if plain := [name.text for name in names if name.encoding == "utf-8"]:
        text = (
            f"{archive.name}: {len(plain)} names are not marked as UTF-8, and were read as such: {plain[0]}"
        )
        findings.append(Finding("archive names", "info", text, tuple(plain)))
    if guessed := [name.text for name in names if name.encoding == "cp437"]:
        text = (
            f"{archive.name}: {len(guessed)} names are not UTF-8, and were read as DOS wrote them (code page "
            f"437): see whether {guessed[0]} is right; if not, unpack it yourself and give the folder"
        )
        findings.append(Finding("archive names", "warning", text, tuple(guessed)))
    return findings


def _extract_all(archive: Path, folder: Path, place: Path, progress: Progress) -> None:
    with open_zip(archive) as opened:
        entries = [entry for entry in opened.infolist() if not _is_folder(entry)]
        if not entries:
            raise DataError(f"{archive} holds no files", _HINT)
        names = _checked_names(archive, entries)
        _check_room(archive, entries, place)
        progress.stage(f"extracting {archive.name}", len(entries), "files")
        for name, entry in zip(names, entries, strict=True):
            _extract_one(archive, opened, entry, folder.joinpath(*name.parts))
            progress.advance()


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """True for the entry of a folder, also as some Windows programs write it."""
    return entry.filename.endswith("/") or (entry.filename.endswith("\\") and not entry.file_size)


def _extract_one(archive: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = target.open("xb")
    except FileExistsError as error:
        reason = (
            f"its entry {entry.filename!r} has the name of another one on a disk that takes capitals, or "
        )
        raise DataError(
            f"{archive} cannot be extracted: {reason}spellings of accents, for the same", _BY_HAND
        ) from error
    with file:
        for part in iterate(archive, opened, entry):
            file.write(part)


def _checked_names(archive: Path, entries: Sequence[zipfile.ZipInfo]) -> list[PurePosixPath]:
    names: list[PurePosixPath] = []
    seen: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        # Some Windows programs write backslashes; seen as separators they cannot hide a "..".
        text = read_name(entry).text.replace("\\", "/")
        name = PurePosixPath(text)
        problem = _name_problem(text, name, entry)
        if not problem and str(name) in seen:
            problem = "is there twice"
        if problem:
            raise DataError(f"{archive} is refused: its entry {_shorten(entry.filename)} {problem}", _BY_HAND)
        seen.add(str(name))
        folders.update(map(str, name.parents))
        names.append(name)
    if both := sorted(seen & folders):
        raise DataError(f"{archive} is refused: {_shorten(both[0])} is a file in it, and a folder", _BY_HAND)
    return names


def _shorten(name: str) -> str:
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def _name_problem(text: str, name: PurePosixPath, entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.is_absolute() or PureWindowsPath(text).drive:
        return "has an absolute path"
    if ".." in name.parts or not name.parts:
        return "leads out of the target folder"
    if not is_text(text):
        return "has a name that is no readable text"
    if len(name.parts) > _DEEPEST:
        return f"lies in {len(name.parts) - 1:,} folders, and at most {_DEEPEST} are made"
    if (longest := max(len(os.fsencode(part)) for part in name.parts)) > MOST_NAME_BYTES:
        return f"has a name of {longest} bytes, and disks take {MOST_NAME_BYTES}"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device"
    return "is encrypted" if entry.flag_bits & 1 else ""


def _check_room(archive: Path, entries: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    total = sum(entry.file_size for entry in entries)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DataError(f"{archive} needs {total:,} bytes in {folder}; {free:,} are free", "make room there")
