"""Two places outside the working folder: the cache, which is ours, and data folders that are only read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock

from dlpractice.errors import DataError

CACHE_VARIABLE = "DLP_CACHE_DIR"
DATA_VARIABLE = "DLP_DATA_DIR"


def cache_dir() -> Path:
    """The folder for downloads, extracted data and pixels: `DLP_CACHE_DIR`, else in the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE, "").strip()
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("dlpractice"))


def data_dirs() -> list[Path]:
    """The folders of `DLP_DATA_DIR` in their order: searched before the network, and never written."""
    entries = os.environ.get(DATA_VARIABLE, "").split(os.pathsep)
    return [Path(entry).expanduser().absolute() for entry in entries if entry.strip()]


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
