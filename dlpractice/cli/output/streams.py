"""The process's streams, whatever the shell has made of them: closed, a full disk, a pipe that nobody reads.

What cannot be written to stderr is dropped: progress and warnings never end the work. Of results, on stdout,
docs/runs.md says what holds for every command. Where nobody wants them (stdout is closed, or its reader has
left, as `head` does), the work alone decides on the exit status. Where they are lost, that is an error, and
so it is, whoever reads, where a JSON document did not arrive whole.
"""

import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from dlpractice.errors import WriteError


class _Outlet(io.FileIO):
    """A file descriptor that takes everything. What goes wrong first is kept in `failure`, and nothing is
    written from then on."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=descriptor > 2)  # the process's own are never closed
        self.failure: OSError | None = None

    def write(self, content: Any) -> int:
        """All of `content` is written, or else dropped."""
        rest = memoryview(content).cast("B")
        try:
            while rest and self.failure is None:
                written = super().write(rest)
                if written is None:  # another program on the same terminal has set it to wait for nobody
                    select.select([], [self], [])
                rest = rest[written or 0 :]
        except OSError as error:
            self.failure = error
        return len(content)


def steady() -> None:
    """Makes stdin, stdout and stderr streams that no writing can break; those that are closed lead nowhere.

    Otherwise the next file that is opened would get the number of a closed stream, and be written into.
    """
    closed = []
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            closed.append(number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    sys.stdout, sys.stderr = _steady(sys.stdout, 1, closed), _steady(sys.stderr, 2, closed)


def _steady(stream: TextIO | None, number: int, closed: list[int]) -> TextIO:
    if stream is None or number in closed:
        made = open_text(number, "utf-8", line_buffering=False)
        _outlet(made).failure = OSError(errno.EBADF, os.strerror(errno.EBADF))
        return made
    try:
        if stream.fileno() != number or not isinstance(stream, io.TextIOWrapper):
            return stream
    except (OSError, ValueError):  # a stand-in; io.UnsupportedOperation is both
        return stream
    stream.flush()
    return open_text(number, stream.encoding, line_buffering=stream.line_buffering)


def open_text(descriptor: int, encoding: str, *, line_buffering: bool) -> TextIO:
    """A text stream that takes everything. A character that its encoding lacks is written as an escape."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(descriptor)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=line_buffering,
    )


def _outlet(stream: TextIO | None) -> Any:
    return getattr(getattr(stream, "buffer", None), "raw", None)


def require_output(what: str, *, whoever_reads: bool = True) -> None:
    """Raises WriteError where something of what was written to stdout did not arrive.

    It is no error where the reader has left: as `head`, it may have had enough.

    what: was written.
    whoever_reads: false where a closed stdout is no error either.
    """
    sys.stdout.flush()
    failure: OSError | None = getattr(_outlet(sys.stdout), "failure", None)
    if failure is None or failure.errno == errno.EPIPE:
        return
    is_closed = failure.errno == errno.EBADF
    if is_closed and not whoever_reads:
        return
    reason = "it is closed" if is_closed else failure.strerror
    raise WriteError(
        f"{what} could not be written to stdout: {reason}",
        "the work itself is done, and what it keeps on disk is there",
    )
