"""Ctrl-C, SIGTERM and SIGHUP: they interrupt a command, and are noted while training, which ends between two
steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def deferring_interrupts() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first signal is only noted. The yielded function says whether one was.

    Otherwise Python might raise KeyboardInterrupt after an optimiser's step and before that step is counted,
    and a run that goes on from the checkpoint would repeat it. A second signal interrupts at once.
    """
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True

    with _handling(note):
        yield lambda: noted


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block, each of the signals raises KeyboardInterrupt. Where a library makes another error of
    it on the way, it is KeyboardInterrupt again at the end of the block."""
    noted = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal noted
        noted = True
        raise KeyboardInterrupt

    try:
        with _handling(interrupt):
            yield
    except Exception as error:
        if noted:
            raise KeyboardInterrupt from error
        raise


def let_signals_kill() -> None:
    """From now on the signals end the process at once, without a word."""
    if threading.current_thread() is threading.main_thread():
        for number in _heeded():
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    """Inside the block, `handler` is called for the signals that are not ignored.

    A shell lets programs in the background ignore Ctrl-C, and `nohup` lets them ignore SIGHUP. Only the main
    thread may handle signals; in any other, the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in _heeded()}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _heeded() -> list[signal.Signals]:
    return [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
