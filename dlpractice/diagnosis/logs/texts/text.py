"""The text of a log, whatever wrote it; files that hold no text, or too much of it, are refused in words."""

import codecs
from pathlib import Path

from dlpractice.errors import PathError, RunError
from dlpractice.paths import open_file, read_file, status
from dlpractice.refusals import naming

LARGEST = 512 * 2**20
"""Bytes of the largest text that is read: 300,000 rows of ten columns take 40 MB."""

_POINTER = b"version https://git-lfs.github.com/spec/"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_FOREIGN = {
    b"\x80": ("a pickle, which is not opened: opening one can run any program", "pickle"),
    b"PK\x03\x04": ("an archive (.zip, .npz, .pt, .xlsx), which is not opened", "archive"),
    b"\x1f\x8b": ("compressed by gzip", "gzip"),
    b"\x89HDF": ("an HDF5 file, which is not opened", "hdf5"),
    b"\x93NUMPY": ("a NumPy array, which is not opened", "array"),
}
_EXPORT = (
    "write the history as JSON where it can be trusted: json.dump({name: [float(v) for v in values] for "
    'name, values in history.items()}, open("history.json", "w"))'
)
_HINTS = {
    "pickle": _EXPORT,
    "archive": "unpack it, or " + _EXPORT,
    "gzip": "gunzip it first",
    "hdf5": _EXPORT,
    "array": _EXPORT,
}


def read_head(path: Path, size: int = 65536) -> bytes:
    """The first bytes of a file; empty where it cannot be read."""
    try:
        with open_file(path) as file, naming(path, "read"):
            return file.read(size)
    except PathError:
        return b""


def name_foreign(head: bytes) -> tuple[str, str] | None:
    """What a file is that holds no text, and what to do about it; None for text. head: its first bytes."""
    if head.startswith(_POINTER):
        return "a pointer of Git LFS: the file itself is not here", "fetch it: git lfs pull"
    for mark, (what, kind) in _FOREIGN.items():
        if head.startswith(mark):
            return what, _HINTS[kind]
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "no text", "give a log that is text, or TensorBoard event files"
    return None


def refuse_foreign(path: Path) -> None:
    """Raises RunError, which says what the file is, where it holds no text."""
    if (found := name_foreign(read_head(path))) is not None:
        what, hint = found
        raise RunError(f"{path} is {what}", hint)


def read_log_text(path: Path) -> str:
    """The text of a log: UTF-8, UTF-16 with its mark, or else Latin 1.

    Raises:
        PathError: it cannot be read.
        RunError: it holds no text, or is too large.
    """
    refuse_foreign(path)
    size = status(path).st_size
    if size > LARGEST:
        raise RunError(
            f"{path} has {size / 2**20:.0f} MiB; logs of up to {LARGEST / 2**20:.0f} MiB are read",
            "keep every tenth row, or the rows of whole epochs",
        )
    content = read_file(path, LARGEST)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
