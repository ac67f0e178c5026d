"""One writer per folder.

The lock is the operating system's (flock on Unix, through the package filelock), not the presence of a file:
it goes with the process that held it, so a run that was killed can be resumed at once.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dlpractice.errors import RunError
from dlpractice.paths import exists, identify, is_folder, list_folder
from dlpractice.whole_files import is_temporary

if TYPE_CHECKING:
    import filelock

LOCK_NAME = ".lock"


def lock_folder(folder: Path) -> "filelock.BaseFileLock":
    """Take the lock of `folder`, which is made if need be. The caller releases it.

    Raises:
        RunError: another process, or another object of this process, holds it, the folder cannot be written,
        or this machine's clock is out of range.
    """
    import filelock  # which takes longer than all the rest of reading a run

    _refuse_clock()
    # One lock for all threads: training may close in another thread than the one that opened.
    lock = filelock.FileLock(folder / LOCK_NAME, timeout=0, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise RunError(
            f"another process is writing to {folder}", "wait until it has ended, or give another --run-dir"
        ) from None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"cannot write to {folder}: {reason}", "give another --run-dir") from error
    return lock


def _refuse_clock() -> None:
    """Checkpoints and models are zip archives, which can hold no date before 1980 or after 2107.

    A machine whose clock has no battery begins in 1970.
    """
    year = time.localtime(time.time()).tm_year
    if not 1980 <= year <= 2107:
        raise RunError(f"this machine's clock shows the year {year}", "set the clock: files get its date")


def _is_bare(folder: Path) -> bool:
    """Whether `folder` was opened for writing, and nothing was written."""
    names = [entry.name for entry in list_folder(folder)] if is_folder(folder) else []
    return LOCK_NAME in names and all(map(is_of_writing, names))


def is_of_writing(name: str) -> bool:
    """Whether what is called so in a folder is only there because somebody writes to the folder, or wrote."""
    return name == LOCK_NAME or is_temporary(name)


class LockedFolder(ABC):
    """A folder that one process at a time writes to: open it with `create`, `resume` or `read`.

    A context manager. The first two hold the folder's lock until it ends, or until `close`; what was opened
    with `read`, or is closed, refuses to write.
    """

    def __init__(self, path: Path, lock: "filelock.BaseFileLock | None") -> None:
        self.path = path
        self._lock = lock
        self._is_of_user = False
        self._opened = identify(path)

    @classmethod
    @abstractmethod
    def refuse_used(cls, path: Path) -> None:
        """Raises RunError where `path` holds something already, so that nothing new may be made in it."""

    @classmethod
    @abstractmethod
    def require(cls, path: Path, hint: str) -> None:
        """Raises RunError, with `hint`, where `path` does not hold what this class opens."""

    @classmethod
    def create(cls, path: Path | str) -> Self:
        """A new one in `path`, which is made if need be.

        Raises:
            RunError: `path` is used already, or another process writes there.
        """
        path = Path(path)
        cls.refuse_used(path)  # before the lock, so that a folder that is refused stays as it was
        is_of_user = is_folder(path) and not _is_bare(path)
        lock = lock_folder(path)
        try:
            cls.refuse_used(path)  # and again: another process may have been first
        except RunError:
            lock.release()
            raise
        created = cls(path, lock)
        created._is_of_user = is_of_user
        return created

    @classmethod
    def resume(cls, path: Path | str) -> Self:
        """The one in `path`, to be continued; also one that was interrupted before it had written anything.

        Raises:
            RunError: `path` holds none, or another process writes there.
        """
        path = Path(path)
        if not _is_bare(path):
            cls.require(path, "start it without --resume")
        return cls(path, lock_folder(path))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The one in `path`, to be read, also while another process writes it.

        Raises:
            RunError: `path` holds none.
        """
        path = Path(path)
        cls.require(path, "`dlp runs ls` lists the runs there are")
        return cls(path, None)

    @classmethod
    @contextmanager
    def rehearse(cls, path: Path | str, *, resume: bool) -> Iterator[Self]:
        """What `create` or `resume` opens; when the block ends, the folder is as it was, there or not.

        Raises:
            RunError: as `create` and `resume` do.
        """
        path = Path(path)
        absent = [folder for folder in (path, *path.parents) if not exists(folder)]
        locked_before = exists(path / LOCK_NAME)
        try:
            with closing(cls.resume(path) if resume else cls.create(path)) as opened:
                yield opened
        finally:
            if not locked_before:
                (path / LOCK_NAME).unlink(missing_ok=True)
            with suppress(OSError):  # another process may have begun a run in there
                for folder in absent:
                    folder.rmdir()

    def close(self) -> None:
        """Give the lock back. Closing twice does no harm."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None and isinstance(error, Exception) and _is_bare(self.path):
            # Nothing came of it: leave no folder behind that looks like something that could go on. What was
            # interrupted can.
            (self.path / LOCK_NAME).unlink()
            with suppress(OSError):  # not empty: what a killed process has left
                if not self._is_of_user:
                    self.path.rmdir()
        was_open = self._lock is not None
        self.close()
        if was_open and error is None and identify(self.path) != self._opened:
            raise RunError(
                f"{self.path} was removed, or replaced, while it was written to",
                "what was written is gone with it; start again",
            )

    def writable(self, name: str) -> Path:
        """The path of the file `name`, to be written.

        Raises:
            RunError: the folder was opened with `read`, or is closed.
        """
        if self._lock is None:
            raise RunError(f"{self.path} is open for reading only", "open it with `create` or `resume`")
        return self.path / name
