"""What the system refuses when something is written: a full disk, a missing permission; put into words."""

import errno
import os
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from dlpractice.errors import DlpError, WriteError

# HDF5 says what the system says in a text of its own.
_NUMBER = re.compile(r"errno = (\d+)")
OF_DISKS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""The refusals that come while something is written, whatever it is."""

_HINTS = {
    errno.ENOSPC: "make room on its disk, or choose a folder on another one",
    errno.EDQUOT: "make room in your share of the disk, or choose a folder on another one",
    errno.EFBIG: "choose another disk, or raise the limit: `ulimit -f unlimited`",
    errno.EROFS: "choose a folder on a disk that may be written",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EIO: "the disk fails: choose a folder on another one, and look after what is on this one",
    errno.EMFILE: "raise the limit: `ulimit -n 4096`",
    errno.ENFILE: "end other programs: all of them together have too many files open",
    errno.ENOENT: "make the folder first, or choose another one",
    errno.EISDIR: "move the folder away, or give the file another name",
    errno.EEXIST: "name another file, or delete it first",
    errno.ELOOP: "remove the link",
}
_WORDS = {os.strerror(number): number for number in OF_DISKS}
"""TensorFlow says them in errors of its own."""
_REASONS = {
    errno.EISDIR: "a folder lies in its place",
    errno.EEXIST: "it exists already",
    errno.ELOOP: "a link lies in its place",
}


@contextmanager
def translating(path: Path, numbers: Container[int] | None = None) -> Iterator[None]:
    """What the system refuses inside the block becomes a WriteError about `path`.

    numbers: of the refusals that are meant; None for all.
    """
    try:
        yield
    except DlpError:
        raise
    except Exception as error:
        refusal = _find_refusal(error)
        if refusal is None or (numbers is not None and refusal[0] not in numbers):
            raise
        number, reason = refusal
        raise WriteError(
            f"cannot write {path}: {_REASONS.get(number, reason)}",
            _HINTS.get(number, "check the path, its permissions and its disk"),
        ) from error


def _find_refusal(error: BaseException) -> tuple[int, str] | None:
    """The number and the words of what the system has refused; None where the error is of another kind.

    Libraries that tidy up after a full disk may stumble over it, and raise something else from there.
    """
    seen: BaseException | None = error
    while seen is not None:
        number = _find_number(seen)
        if number and (seen is error or number in OF_DISKS):
            return number, os.strerror(number)
        seen = seen.__cause__ or seen.__context__
    return (0, str(error) or type(error).__name__) if isinstance(error, OSError) else None


def _find_number(error: BaseException) -> int | None:
    """The number of the refusal that an error is about; None where it is about none."""
    text = str(error)
    if told := _NUMBER.search(text):
        return int(told[1])
    if isinstance(error, OSError):
        return error.errno
    return next((number for words, number in _WORDS.items() if words in text), None)
