"""Safe extraction of zip files that come from anywhere."""

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlpractice.data.files.index_items import Finding
from dlpractice.data.naming.class_names import is_text
from dlpractice.data.naming.zip_names import read_name
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError
from dlpractice.paths import exists, open_file, status
from dlpractice.progress import Progress, Silent

MAX_BYTES = 32 * 2**30
MAX_FILES = 1_000_000
# Deflate reaches 1:1000 on zeros; photographs hardly shrink at all, drawings and bitmaps by 10 to 50.
MAX_RATIO = 200
_RATIO_FROM_BYTES = 64 * 2**20
_CHUNK = 2**20


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
    open_file(archive).close()
    with writing(target.parent / f".{target.name}.extracting"):
        if exists(target):
            return target
        partial = target.parent / f".{target.name}.extracting" / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _extract_all(archive, partial, progress)
            os.replace(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def doubt_names(archive: Path) -> list[Finding]:
    """What had to be guessed about the names in a zip file that was extracted."""
    with zipfile.ZipFile(archive) as opened:
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


def _extract_all(archive: Path, folder: Path, progress: Progress) -> None:
    hint = "get the archive again, or unpack it yourself and give the folder"
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not _is_folder(entry)]
            if not entries:
                raise DataError(f"{archive} holds no files", hint)
            names = _checked_names(archive, entries)
            _check_size(archive, entries, folder.parent)
            progress.stage(f"extracting {archive.name}", len(entries), "files")
            for name, entry in zip(names, entries, strict=True):
                _extract_one(opened, entry, folder.joinpath(*name.parts))
                progress.advance()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{archive} is no intact zip file: {error}", hint) from error


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """True for the entry of a folder, also as some Windows programs write it."""
    return entry.filename.endswith("/") or (entry.filename.endswith("\\") and not entry.file_size)


def _extract_one(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # The reader stops after the size that the entry states, and then compares the checksum.
    with opened.open(entry) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)


def _checked_names(archive: Path, entries: Sequence[zipfile.ZipInfo]) -> list[PurePosixPath]:
    names: list[PurePosixPath] = []
    seen: set[str] = set()
    for entry in entries:
        # Some Windows programs write backslashes; seen as separators they cannot hide a "..".
        text = read_name(entry).text.replace("\\", "/")
        name = PurePosixPath(text)
        problem = _name_problem(text, name, entry)
        if not problem and str(name) in seen:
            problem = "is there twice"
        if problem:
            raise DataError(
                f"{archive} is refused: its entry {entry.filename!r} {problem}",
                "unpack it by hand if you trust it",
            )
        seen.add(str(name))
        names.append(name)
    return names


def _name_problem(text: str, name: PurePosixPath, entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.is_absolute() or PureWindowsPath(text).drive:
        return "has an absolute path"
    if ".." in name.parts or not name.parts:
        return "leads out of the target folder"
    if not is_text(text):
        return "has a name that is no readable text"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device"
    return "is encrypted" if entry.flag_bits & 1 else ""


def _check_size(archive: Path, entries: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = status(archive).st_size
    if len(entries) > MAX_FILES:
        raise DataError(
            f"{archive} holds {len(entries):,} files; at most {MAX_FILES:,} are extracted",
            "unpack it by hand",
        )
    if total > MAX_BYTES or (total > _RATIO_FROM_BYTES and total > MAX_RATIO * packed):
        raise DataError(
            f"{archive} ({packed:,} bytes) would grow to {total:,} bytes; the bounds are {MAX_BYTES:,} bytes "
            f"and {MAX_RATIO} times its own size",
            "unpack it by hand if you trust it",
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DataError(f"{archive} needs {total:,} bytes in {folder}; {free:,} are free", "make room there")
