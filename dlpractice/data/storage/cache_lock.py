"""The cache folder is written by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from dlpractice.errors import DataError
from dlpractice.settings import CACHE_VARIABLE


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds its lock, so that one process at a time writes there.

    The operating system releases the lock of a killed process.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            yield
    except OSError as error:
        raise DataError(
            f"cannot write to the cache folder {folder}: {error.strerror or error}",
            f"make room there, or set {CACHE_VARIABLE} to another folder",
        ) from error
