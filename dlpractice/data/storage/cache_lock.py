"""The cache folder is written by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from dlpractice.errors import DataError, WriteError
from dlpractice.settings import CACHE_VARIABLE
from dlpractice.whole_files import make_folder
from dlpractice.write_failures import translating


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds its lock, so that one process at a time writes there.

    The operating system releases the lock of a killed process.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    lock = FileLock(folder / ".lock")
    try:
        make_folder(folder)
        with translating(folder):
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
    except WriteError as error:
        raise DataError(error.message, f"{error.hint}; {CACHE_VARIABLE} names the cache's folder") from error
