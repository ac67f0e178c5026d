"""Every question to the file system, and what it answers put into words.

A path is what somebody typed, or what a disk happens to hold: a link to itself, a name that no disk takes, a
folder that may not be entered, a pipe that nobody writes into. Only this module asks the system about paths;
a test of the project's shape keeps it so. What the system refuses becomes one PathError, and what is no
ordinary file is not opened.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import Path

from dlpractice.errors import PathError
from dlpractice.refusals import AnyPath, explain, naming

_CHUNK = 2**20
_WILD = frozenset("*?[")
# Without O_NONBLOCK, to open a pipe waits until somebody writes into it. The others are no flags everywhere.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

_SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Kind(Enum):
    """What lies at a path; OTHER are pipes, sockets and devices, UNKNOWN is what cannot be looked at."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Entry:
    """What lies directly in a folder; `kind` is that of what a link leads to."""

    name: str
    path: str
    kind: Kind
    is_link: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, or a link to one."""
        return self.kind is Kind.FOLDER


def look(path: AnyPath) -> Kind:
    """What lies at `path`, links followed; a link that leads nowhere is ABSENT.

    Raises:
        PathError: it cannot be looked at.
    """
    try:
        return _kind_of(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in (errno.ENOENT, errno.ENOTDIR):
            return Kind.ABSENT
        raise explain(error, path, "look at") from error


def try_look(path: AnyPath) -> Kind:
    """As `look`, but UNKNOWN for what cannot be looked at: for guesses, and for what a folder may hold."""
    try:
        return look(path)
    except PathError:
        return Kind.UNKNOWN


def exists(path: AnyPath) -> bool:
    """Whether anything lies at `path`; raises PathError as `look` does."""
    return look(path) is not Kind.ABSENT


def is_file(path: AnyPath) -> bool:
    """Whether an ordinary file lies at `path`; raises PathError as `look` does."""
    return look(path) is Kind.FILE


def is_folder(path: AnyPath) -> bool:
    """Whether a folder lies at `path`; raises PathError as `look` does."""
    return look(path) is Kind.FOLDER


def refuse_special(path: AnyPath) -> None:
    """Raises PathError where a pipe, a socket or a device lies at `path`, or as `look` does."""
    if look(path) is Kind.OTHER:
        with naming(path, "read"):
            _refuse_special(path, os.stat(path).st_mode)


def status(path: AnyPath) -> os.stat_result:
    """Size, times and numbers of what lies at `path`; raises PathError where it is absent, too."""
    with naming(path, "look at"):
        return os.stat(path)


def identify(path: AnyPath) -> tuple[int, int] | str:
    """What two paths of one file or folder have in common: its number on the disk, else the path itself."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return os.fspath(path)
    # Some network file systems number no files.
    return (found.st_dev, found.st_ino) if found.st_ino else os.fspath(path)


def list_folder(folder: AnyPath) -> list[Entry]:
    """What lies directly in `folder`, sorted by name.

    Raises:
        PathError: it is no folder, or cannot be read.
    """
    with naming(folder, "read the folder"), os.scandir(folder) as entries:
        return sorted(map(_entry, entries), key=lambda entry: entry.name)


def walk(root: AnyPath) -> Iterator[tuple[Path, list[Entry] | PathError]]:
    """Each folder from `root` down with what lies in it, or why it cannot be read, in the order of names.

    Linked folders are not entered, so that each is visited once. Who takes folders out of the list keeps them
    from being entered.
    """
    waiting = [Path(root)]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list_folder(folder)
        except PathError as error:
            yield folder, error
            continue
        yield folder, entries
        waiting += [
            folder / entry.name for entry in reversed(entries) if entry.is_folder and not entry.is_link
        ]


def find_matching(folder: AnyPath, pattern: str) -> list[Path]:
    """The paths below `folder` that fit a pattern such as `*/seed-*/config.yaml`, in the order of names.

    `**` stands for folders at any depth. What cannot be looked into holds none.
    """
    found = [Path(folder)]
    for part in pattern.split("/"):
        if part == "**":
            found = [inside for parent in found for inside, _ in walk(parent)]
            continue
        found = [parent / name for parent in found for name in _fitting(parent, part)]
    return found


def find_below(root: AnyPath, pattern: str) -> list[Path]:
    """The files at any depth below `root` whose names fit `pattern`, in the order of their paths."""
    found = ((folder, entries) for folder, entries in walk(root) if not isinstance(entries, PathError))
    return sorted(
        folder / entry.name
        for folder, entries in found
        for entry in entries
        if entry.kind is Kind.FILE and fnmatchcase(entry.name, pattern)
    )


def absolute(path: AnyPath) -> Path:
    """The path from the root of the file system on.

    Raises:
        PathError: it starts in a working folder that is gone.
    """
    try:
        return Path(path).absolute()
    except FileNotFoundError as error:
        hint = "change to another folder"
        raise PathError(os.fspath(path), "find", "the working folder is gone", hint) from error


def resolve(path: AnyPath) -> Path:
    """The path with no links in it; links that lead to themselves stay.

    Raises:
        PathError: no disk can hold such a name, or it starts in a working folder that is gone.
    """
    whole = absolute(path)
    with naming(path, "find"):
        return Path(os.path.realpath(whole))


def expand_home(path: AnyPath) -> Path:
    """The path with somebody's home in the place of a `~` at its beginning.

    Raises:
        PathError: nobody is called so here.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0]
        whose = f"no user is called {user[1:]}" if len(user) > 1 else "it is not known where your home is"
        raise PathError(os.fspath(path), "find", whose, f"write out the folder in place of {user}") from error


def open_file(path: AnyPath) -> BufferedReader:
    """The ordinary file at `path`, open for reading bytes; pipes and devices may never end, and are refused.

    Raises:
        PathError: it is no ordinary file, or cannot be opened.
    """
    with naming(path, "read"):
        _refuse_special(path, os.stat(path).st_mode)  # before it is opened, which may set a device off
        opened = os.open(path, _READ)
        try:
            _refuse_special(path, os.fstat(opened).st_mode)
            return os.fdopen(opened, "rb")
        except BaseException:
            os.close(opened)
            raise


def read_file(path: AnyPath, most: int) -> bytes:
    """The bytes of the ordinary file at `path`, of which there may be at most `most`.

    Raises:
        PathError: it is larger, no ordinary file, or cannot be read.
    """
    with open_file(path) as file, naming(path, "read"):
        size = os.fstat(file.fileno()).st_size
        parts = [file.read(min(size, most) + 1)]
        read = len(parts[0])
        # A file that is being written may have grown, and what the system makes up (/proc) states no size.
        while size < read <= most and (part := file.read(_CHUNK)):
            parts.append(part)
            read += len(part)
    if read > most:
        reason = f"it is larger than {most:,} bytes"
        raise PathError(os.fspath(path), "read", reason, "see whether it is the file that was meant")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _kind_of(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    return Kind.FOLDER if stat.S_ISDIR(mode) else Kind.OTHER


def _entry(found: "os.DirEntry[str]") -> Entry:
    is_link = found.is_symlink()
    # Most disks say in the listing what is a file and what is a folder, so that nothing more is asked.
    if not is_link and found.is_dir(follow_symlinks=False):
        return Entry(found.name, found.path, Kind.FOLDER, False)
    if not is_link and found.is_file(follow_symlinks=False):
        return Entry(found.name, found.path, Kind.FILE, False)
    return Entry(found.name, found.path, try_look(found.path), is_link)


def _fitting(folder: Path, part: str) -> list[str]:
    if not _WILD & set(part):
        return [] if try_look(folder / part) in (Kind.ABSENT, Kind.UNKNOWN) else [part]
    try:
        return [entry.name for entry in list_folder(folder) if fnmatchcase(entry.name, part)]
    except PathError:
        return []


def _refuse_special(path: AnyPath, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = next((name for fits, name in _SPECIAL if fits(mode)), "something special")
        raise PathError(os.fspath(path), "read", f"it is {what}, not a file", "name a file")
