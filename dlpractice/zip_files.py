"""Zip files that come from anywhere, opened within bounds: archives of images, models, checkpoints.

What is wrong with one is a PathError about the file, whatever a reader or a decompressor makes of it.
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dlpractice.errors import DlpError, PathError
from dlpractice.paths import open_file, status
from dlpractice.refusals import naming

MAX_BYTES = 32 * 2**30
MAX_FILES = 1_000_000
# Deflate reaches 1:1000 on zeros; photographs hardly shrink at all, drawings and bitmaps by 10 to 50.
MAX_RATIO = 200
_RATIO_FROM_BYTES = 64 * 2**20
_CHUNK, _SMALL_CHUNK = 2**20, 2**12

_HINT = "get it again, or unpack it by hand and give the folder"
_KINDS = {
    b"\x1f\x8b": "compressed by gzip (.gz, .tar.gz)",
    b"BZh": "compressed by bzip2 (.bz2, .tar.bz2)",
    b"\xfd7zXZ": "compressed by xz (.xz, .tar.xz)",
    b"\x28\xb5\x2f\xfd": "compressed by zstd (.zst)",
    b"7z\xbc\xaf": "an archive of 7-Zip (.7z)",
    b"Rar!": "an archive of RAR (.rar)",
    b"<": "a page of the web, as comes in place of a download that failed",
    b"version https://git-lfs": "a pointer of Git LFS: `git lfs pull` fetches the file itself",
}
_TAR_PLACE, _TAR = 257, b"ustar"


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip file at `path`, open for reading; see `refuse_growth` for its bounds.

    Raises:
        PathError: it is none or a damaged one, it would grow beyond all bounds, or it cannot be read.
    """
    with open_file(path) as file:
        with naming_archive(path):
            opened = zipfile.ZipFile(file)
        with opened:
            refuse_growth(path, opened.infolist())
            yield opened


def read_entry(path: Path, opened: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The bytes of an entry, of which there may be `most`.

    Raises:
        PathError: there is no such entry, or it is larger, encrypted or damaged.
    """
    with naming_archive(path, name):
        entry = opened.getinfo(name)
        if entry.file_size > most:
            raise PathError(str(path), "read", f"its entry {name} is larger than {most:,} bytes", _HINT)
    return b"".join(iterate(path, opened, entry))


def iterate(path: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of an entry in parts, no more of it than the entry's size says; its checksum is verified.

    Raises:
        PathError: it is encrypted or damaged.
    """
    # Of Deflate no more is unpacked than is asked for; of bzip2 and LZMA all that was read, however it grows.
    size = _CHUNK if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else _SMALL_CHUNK
    with naming_archive(path, entry.filename):
        content = opened.open(entry)
    with content:
        while True:
            with naming_archive(path, entry.filename):
                part = content.read(size)
            if not part:
                return
            yield part


def refuse_growth(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Raises PathError where a zip holds too many files, or would grow to far more than its own size."""
    packed = status(path).st_size
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES:
        reason = f"it holds {len(entries):,} files, and {MAX_FILES:,} are read at most"
    elif total > MAX_BYTES or (total > _RATIO_FROM_BYTES and total > MAX_RATIO * packed):
        reason = (
            f"its {packed:,} bytes would grow to {total:,} bytes; the bounds are {MAX_BYTES:,} bytes and "
            f"{MAX_RATIO} times its own size"
        )
    else:
        return
    raise PathError(str(path), "read", reason, "unpack it by hand if you trust it")


@contextmanager
def naming_archive(path: Path, entry: str = "") -> Iterator[None]:
    """Whatever a reader of zip files raises in the block becomes a PathError about the archive.

    Damaged files make the readers and decompressors raise nearly anything: BadZipFile, OSError without
    a number, LZMAError, EOFError, struct.error, NotImplementedError, MemoryError, ...
    """
    try:
        yield
    except DlpError:
        raise
    except Exception as error:
        reason, hint = _explain(path, entry, error)
        raise PathError(str(path), "read", reason, hint) from error


def _explain(path: Path, entry: str, error: Exception) -> tuple[str, str]:
    said = str(error).partition("\n")[0] or type(error).__name__
    if not entry:
        kind = _name_kind(path)
        return f"it is no zip file, but {kind}" if kind else f"it is no intact zip file: {said}", _HINT
    if isinstance(error, KeyError):
        return f"it has no entry {entry}", _HINT
    if isinstance(error, NotImplementedError):
        return f"its entry {entry} is packed in a way that is not read: {said}", "pack it anew, by Deflate"
    if isinstance(error, RuntimeError) and "encrypted" in said:
        return f"its entry {entry} is encrypted", "unpack it by hand, with its password"
    return f"its entry {entry} is damaged: {said}", _HINT


def starts_as_zip(path: Path) -> bool:
    """Whether a file begins as zip files do, whatever its name. Raises PathError where it cannot be read."""
    return _read_start(path).startswith(b"PK\x03\x04")


def _read_start(path: Path) -> bytes:
    with open_file(path) as file, naming(path, "read"):
        return file.read(512)


def _name_kind(path: Path) -> str:
    head = _read_start(path)
    if not head:
        return "empty (0 bytes)"
    if head[_TAR_PLACE:].startswith(_TAR):
        return "an archive of tar (.tar)"
    return next((kind for mark, kind in _KINDS.items() if head.lstrip().startswith(mark)), "")
