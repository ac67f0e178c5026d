"""One writer per folder.

The lock is the operating system's (flock on Unix, through the package filelock), not the presence of a file:
it goes with the process that held it, so a run that was killed can be resumed at once.
"""

from pathlib import Path

import filelock

from dlpractice.errors import RunError

LOCK_NAME = ".lock"


def lock_folder(folder: Path) -> filelock.BaseFileLock:
    """Take the lock of `folder`, which is made if need be. The caller releases it.

    Raises:
        RunError: another process, or another object of this process, holds it, or the folder cannot be
        written.
    """
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
