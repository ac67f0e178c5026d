"""Images of simultaneous requests, computed together by a thread of their own.

As soon as the net is free it takes what waits by then, so that a lone request never waits for company, and
under load batches grow by themselves. The event loop hands rows over and goes on.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.errors import DlpError
from dlpractice.recipes.serve.request_errors import RequestError

Compute = Callable[[NDArray[np.float32]], NDArray[np.float32]]

MOST_ROWS = 32
"""Rows of a batch at most; a power of two."""


@dataclass(frozen=True)
class _Row:
    pixels: NDArray[np.generic]
    answer: asyncio.Future[Any]


class MicroBatches:
    """Rows in, rows out: each as the net gives it, whatever else is in its batch.

    Batches have 1, 2, 4 ... rows: a net is compiled for each size, and none has to be filled up.

    Args:
        compute: the net, from (n, ...) float32 to (n, D). Only the thread here calls it.
        most_waiting: the rows that may wait at a time.
        watch: told of each batch: its rows, and the seconds that the net took.
    """

    def __init__(
        self, compute: Compute, most_waiting: int, watch: Callable[[int, float], None] = lambda *_: None
    ) -> None:
        self._compute, self._watch, self._most_waiting = compute, watch, most_waiting
        self._arrived: SimpleQueue[list[_Row]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="net", daemon=True)
        self.waiting = 0

    def start(self) -> None:
        """Lets the thread work."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread (no rows say so) once it has computed all that waits."""
        self._arrived.put([])
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether rows that are handed over will be computed."""
        return self._thread.is_alive()

    async def compute(self, rows: NDArray[np.generic]) -> NDArray[np.float32]:
        """(n, ...) rows -> (n, D), for n of at least 1.

        Raises:
            RequestError: too many rows wait already.
            Exception: what the net raises.
        """
        if self.waiting + len(rows) > self._most_waiting:
            raise RequestError(503, f"{self.waiting} images wait for the net already", "try again soon")
        loop = asyncio.get_running_loop()
        self.waiting += len(rows)
        try:
            entries = [_Row(row, loop.create_future()) for row in rows]
            self._arrived.put(entries)
            return np.stack(await asyncio.gather(*(entry.answer for entry in entries)))
        finally:
            self.waiting -= len(rows)

    def _work(self) -> None:
        rows: deque[_Row] = deque()
        open_ = True
        while open_ or rows:
            while open_ and (not rows or not self._arrived.empty()) and len(rows) < MOST_ROWS:
                entries = self._arrived.get()
                open_ = bool(entries)
                rows.extend(entry for entry in entries if not entry.answer.cancelled())
            if rows:
                size = min(MOST_ROWS, 1 << (len(rows).bit_length() - 1))
                self._answer([rows.popleft() for _ in range(size)])

    def _answer(self, batch: list[_Row]) -> None:
        started = perf_counter()
        results: NDArray[np.float32] | Exception
        try:
            results = self._compute(np.stack([row.pixels for row in batch]).astype(np.float32))
        except DlpError as error:  # a fault of the net, and not of what was asked
            results = RequestError(500, error.message, error.hint)
        except Exception as error:  # belongs to those who asked; the thread goes on
            results = error
        self._watch(len(batch), perf_counter() - started)
        batch[0].answer.get_loop().call_soon_threadsafe(_hand_out, batch, results)


def _hand_out(batch: list[_Row], results: NDArray[np.float32] | Exception) -> None:
    """Runs on the event loop, whose futures only it may touch."""
    for place, row in enumerate(batch):
        if row.answer.done():
            continue
        if isinstance(results, Exception):
            row.answer.set_exception(results)
        else:
            row.answer.set_result(results[place])
