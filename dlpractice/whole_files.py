"""Everything that is written to a disk goes through here: whole or not at all, and one error if it cannot be.

A new file is written in a private folder beside its place, called `.dlp-` and letters that nobody can
foretell, and then renamed. A reader, or a run that goes on after a SIGKILL, sees the old file or the new one
and never a half of either, and of two processes that write the same file at once one wins whole. Nobody else
can put a link into the private folder, which would lead the writing elsewhere. A link in the file's own place
is replaced by the file, and what it leads to stays as it is; links among the folders above are followed.
Permissions are what the umask leaves.

The private folder goes with the block, whatever ends it. What a killed process leaves is taken away by the
next that writes into the same folder: the operating system has released its lock.
"""

import errno
import filecmp
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from dlpractice.errors import WriteError
from dlpractice.paths import open_file
from dlpractice.write_failures import OF_DISKS, translating

if sys.platform != "win32":
    import fcntl

_PREFIX = ".dlp-"
_LOCK = ".lock"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A path to write a new file to, which takes the place of `path` if the block succeeds.

    Its name is that of `path`: some libraries go by the suffix. A block that fails leaves nothing.

    durable: whether the file is to survive a loss of power, too. That costs some milliseconds.

    Raises:
        WriteError: the file cannot be written.
    """
    with translating(path):
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with _private_folder(path.parent) as private:
            new = private / path.name
            yield new
            if durable:
                _sync(new)
            os.replace(new, path)
            if durable:
                _sync(path.parent)


def write_new(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 to a file that does not exist yet, and that nobody else makes meanwhile.

    Raises:
        WriteError: something lies at `path`, or it cannot be written.
    """
    with translating(path), _private_folder(path.parent) as private:
        new = private / path.name
        new.write_bytes(text.encode(errors="surrogateescape"))
        _sync(new)
        try:
            os.link(new, path)  # which, unlike a rename, refuses to replace
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            os.replace(new, path)


def copy_new(source: Path, folder: Path, name: str) -> Path:
    """Copies a file into a folder, which is made if need be, and returns where the copy is.

    Nothing is overwritten: where its name is taken by another file, it is called `name-2` and so on before
    the ending. A file of the same bytes that is there already is left as it is.

    Raises:
        PathError: `source` cannot be read.
        WriteError: the copy cannot be written.
    """
    make_folder(folder)
    stem, dot, ending = name.rpartition(".")
    for number in count(1):
        numbered = name if number == 1 else f"{stem or ending}-{number}{dot + ending if stem else ''}"
        target = folder / numbered
        try:
            with translating(target), open_file(source) as file, target.open("xb") as copy:
                try:
                    shutil.copyfileobj(file, copy, 1 << 20)
                except BaseException:
                    target.unlink(missing_ok=True)
                    raise
            return target
        except WriteError:
            if not target.exists():
                raise
            if target.is_file() and filecmp.cmp(source, target, shallow=False):
                return target
    raise AssertionError("there are always more numbers")


def move(source: Path, target: Path) -> None:
    """Gives a file or folder another place on the same disk, in one step.

    Raises:
        WriteError: it cannot be moved there.
    """
    with translating(target):
        os.replace(source, target)


@contextmanager
def making_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `folder` if the block succeeds and there is none by then.

    Raises:
        WriteError: the folder, or a file in it, cannot be written.
    """
    with translating(folder), _private_folder(folder.parent) as private:
        new = private / folder.name
        new.mkdir()
        yield new
        if not folder.is_dir():
            os.replace(new, folder)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is needed for the time of the block.

    Raises:
        WriteError: there is no room for it where the system keeps such things, which TMPDIR names.
    """
    place = Path(os.environ.get("TMPDIR") or "/tmp")
    with translating(place):
        folder = Path(tempfile.mkdtemp(prefix="dlp-"))
    try:
        with translating(place, OF_DISKS):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def growing(path: Path, kept: int) -> Iterator[BinaryIO]:
    """The file at `path` after its first `kept` bytes, to be gone on with; its name is no secret.

    What is there at the end of the block stays, also where the block fails. But where the disk fails it goes,
    so that it does not fill a disk that is full.

    Raises:
        WriteError: the file cannot be written, or is a link.
    """
    with translating(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666)
    try:
        with translating(path, OF_DISKS), os.fdopen(descriptor, "ab") as file:
            file.truncate(kept)
            yield file
    except WriteError:
        path.unlink(missing_ok=True)
        raise


def put_in_place(grown: Path, path: Path) -> None:
    """Lets what `growing` has made be the file at `path`, once it is on the disk.

    Raises:
        WriteError: it cannot be.
    """
    with translating(path):
        _sync(grown)
        os.replace(grown, path)


def append(path: Path, content: bytes | memoryview) -> None:
    """Adds `content` to the end of a file, which is made if need be, and returns when it is on the disk.

    Where that fails, the file is as it was.

    Raises:
        WriteError: the file cannot be written, or is a link.
    """
    with translating(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666)
        try:
            before = os.fstat(descriptor).st_size
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)


def is_temporary(name: str) -> bool:
    """Whether what is called so in a folder is only there while something is written."""
    return name.startswith(_PREFIX)


def make_folder(folder: Path) -> None:
    """Makes the folder, and those above it, where they are not there yet.

    Raises:
        WriteError: they cannot be made, or a file lies in the place of one of them.
    """
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent` that only this process writes to, and that is gone after the block."""
    _take_away_left(parent)
    private, lock = None, -1
    try:
        while lock < 0:
            private = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            lock = _lock_new(private / _LOCK)
        assert private is not None
        yield private
    finally:
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
        if lock >= 0:
            os.close(lock)


def _lock_new(path: Path) -> int:
    """A new file, open and locked until it is closed; -1 where another process took the folder for one that
    was left, and takes it away, between our making of it and the locking."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
    except FileNotFoundError:
        return -1
    if _try_lock(lock) and path.exists():
        return lock
    os.close(lock)
    return -1


def _try_lock(lock: int) -> bool:
    """False where another process holds the lock of this file; without locks nobody does."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network drives have no locks
        return True
    return True


def _take_away_left(parent: Path) -> None:
    """Removes the private folders in `parent` whose processes were killed."""
    if sys.platform == "win32":
        return
    with os.scandir(parent) as entries:
        left = [Path(entry.path) for entry in entries if is_temporary(entry.name)]
    for private in left:
        with suppress(OSError):  # in use, another user's, or gone by now
            if not (private / _LOCK).exists():
                private.rmdir()
                continue
            lock = os.open(private / _LOCK, os.O_RDWR | _NO_LINK)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(private, ignore_errors=True)
            finally:
                os.close(lock)


def _sync(path: Path) -> None:
    """Returns when a file is on the disk, or of a folder which names are in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # not every disk can do so with a folder
            raise
    finally:
        os.close(descriptor)
