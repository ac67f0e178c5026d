"""Ctrl-C and SIGTERM, taken between two steps instead of in the middle of one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferring_interrupts() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first SIGINT or SIGTERM is only noted, and the yielded function tells of it.

    Python would otherwise raise KeyboardInterrupt between an optimiser's step and its being counted, and the
    checkpoint would repeat a step. A second signal interrupts at once. Off the main thread, signals stay as
    they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    noted = False

    def note(number: int, frame: Any) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: noted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
