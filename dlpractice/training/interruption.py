"""Ctrl-C and SIGTERM: they are noted, and end the training between two steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferring_interrupts() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first SIGINT or SIGTERM is only noted. The yielded function says whether one was.

    Otherwise Python might raise KeyboardInterrupt after an optimiser's step and before that step is counted,
    and a run that goes on from the checkpoint would repeat it. A second signal interrupts at once. Only the
    main thread may handle signals; in any other, the block changes nothing.
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
