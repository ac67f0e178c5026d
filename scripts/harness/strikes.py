"""Moments within a process at which something befalls it."""

import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.program import Setup

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_WRITES = os.O_WRONLY | os.O_RDWR


def watch_changes(folder: Path, act: Callable[[int], None]) -> None:
    """From now on calls `act` with 1, 2, ... in front of each change to a file below `folder`, but for what
    the process prints and its temporary files."""
    count, root, passed_over = 0, f"{folder}{os.sep}", f"{folder / 'tmp'}{os.sep}"

    def notice(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & _WRITES:
                return
        elif event not in _CHANGES:
            return
        if not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(root) and not path.startswith(passed_over):
            count += 1
            act(count)

    sys.addaudithook(notice)


def at_change(folder: Path, number: int, deed: Callable[[], object]) -> Setup:
    """Does the deed in front of the process's n-th change to a file."""

    def act(count: int) -> None:
        if count == number:
            deed()

    return partial(watch_changes, folder, act)


def strike_at_change(folder: Path, number: int, sent: int = signal.SIGKILL) -> Setup:
    """Sends itself the signal in front of its n-th change to a file."""
    return at_change(folder, number, lambda: os.kill(os.getpid(), sent))


def strike_in_write(size: int) -> Setup:
    """Is killed by the kernel in the middle of the write that takes a file beyond `size` bytes."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return prepare


def limit_files(size: int) -> Setup:
    """No file may have more than `size` bytes: the write fails, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
