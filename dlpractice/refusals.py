"""What the file system refuses, put into words: the one translation of its errors."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlpractice.errors import PathError

AnyPath = str | os.PathLike[str]

MOST_NAME_BYTES = 255
"""Bytes of the longest name of a file or folder that usual disks take."""
_MOST_PATH_BYTES = 4095

_REASONS = {
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "check the path"),
    errno.ELOOP: ("it is a link that leads to itself", "remove the link, or let it lead to a file"),
    errno.EISDIR: ("it is a folder, not a file", "name a file"),
    errno.EIO: ("the disk fails to read it", "check the disk, or take a copy from elsewhere"),
    errno.ESTALE: ("its network drive has lost it", "mount the drive again, or open the folder anew"),
}
_UNKNOWN_HINT = "check the path, its permissions and its disk"


@contextmanager
def naming(path: AnyPath, doing: str) -> Iterator[None]:
    """What the system refuses in the block becomes a PathError about `path`, as in "cannot read PATH: ...".

    Errors of value are taken for such a refusal, too: the block holds calls to the system, and nothing else.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise explain(error, path, doing) from error


def explain(error: OSError | ValueError, path: AnyPath, doing: str) -> PathError:
    """The PathError for what the system, or Python on its behalf, has raised about `path`."""
    text = os.fspath(path)
    if isinstance(error, ValueError):
        return PathError(text, doing, "no name on a disk can hold such characters", "check the path")
    if error.errno == errno.ENAMETOOLONG:
        return PathError(text, doing, *_measure(text))
    if error.errno in (errno.EACCES, errno.EPERM):
        return PathError(text, doing, "permission denied", _name_closed(text))
    return PathError(
        text, doing, *_REASONS.get(error.errno or 0, (error.strerror or str(error), _UNKNOWN_HINT))
    )


def refuse_unspeakable(argument: str) -> None:
    """Raises PathError where no system passes on such an argument: it holds half a character, or NUL."""
    with naming(argument, "take the argument"):
        if b"\0" in os.fsencode(argument):
            raise ValueError


def _measure(path: str) -> tuple[str, str]:
    """Which part of a path is too long, and what to do."""
    longest = max((len(os.fsencode(part)) for part in Path(path).parts), default=0)
    if longest > MOST_NAME_BYTES:
        return f"a name in it has {longest:,} bytes, and disks take {MOST_NAME_BYTES}", "shorten the name"
    whole = len(os.fsencode(path))
    return (
        f"it has {whole:,} bytes, and systems take {_MOST_PATH_BYTES:,}",
        "move it up, or shorten its names",
    )


def _name_closed(path: str) -> str:
    """What to do where permission was denied: the topmost folder that may not be entered is named."""
    closed = next((folder for folder in reversed(Path(path).parents) if not os.access(folder, os.X_OK)), None)
    if closed is None:
        return "check its permissions"
    return f"{closed} may not be entered: ask its owner, or take a copy"
