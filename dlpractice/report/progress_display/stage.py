"""How far a stage has come, how fast it goes, and how long it will still take."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

_WINDOW = 5.0
"""Seconds over which the speed is averaged: long enough to be steady, short enough to follow a change."""


class Stage:
    """The counters of one stage. Counting is a few additions; all else is worked out when somebody looks.

    `best_epoch` is the one that training keeps so far, 0 before there is one; `best_loss` and `best_accuracy`
    are its scores on validation. `clock` gives seconds, and is a parameter so that tests need not wait.
    """

    def __init__(self, name: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0
        self.images = 0
        self.best_epoch = 0
        self.best_loss: float | None = None
        self.best_accuracy: float | None = None
        self._within_epoch = 0.0
        self._clock = clock
        self._started = clock()
        self._first: tuple[float, float] | None = None
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)])

    @property
    def trains(self) -> bool:
        """Whether the stage consists of epochs."""
        return self.unit == "epochs"

    def advance(self, done: int) -> None:
        """`done` more units are ready."""
        self.done += done
        if self._first is None:
            self._first = (self._clock(), self.fraction)

    def batch(self, epoch: int, step: int, steps: int, images: int) -> None:
        """Step `step` of `steps` of epoch `epoch` has trained on `images` images."""
        self.done = epoch - 1
        self._within_epoch = step / steps
        self.images += images
        if self._first is None:  # the first step builds the graph: what it took says nothing of the others
            self._first = (self._clock(), self.fraction)

    def epoch(self, row: Mapping[str, object], is_best: bool) -> None:
        """An epoch has ended with `row`; `is_best`: it is the one to keep so far."""
        number = row.get("epoch")
        self.done = number if isinstance(number, int) else self.done + 1
        self._within_epoch = 0.0
        if is_best:
            self.best_epoch = self.done
            self.best_loss, self.best_accuracy = (
                _finite(row.get("val_loss")),
                _finite(row.get("val_accuracy")),
            )

    @property
    def fraction(self) -> float:
        """The share of the stage that is done, in [0, 1]."""
        return min(1.0, (self.done + self._within_epoch) / self.total) if self.total > 0 else 1.0

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._started

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the stage ends at the pace so far, or None while there is none to go by."""
        if self._first is None or self.fraction <= self._first[1]:
            return None
        pace = (self._clock() - self._first[0]) / (self.fraction - self._first[1])
        return pace * (1 - self.fraction)

    def images_per_second(self) -> float | None:
        """Images per second over the last seconds, or None where no images are counted."""
        now, images = self._clock(), self.images if self.trains else self.done
        if not self.trains and self.unit != "images":
            return None
        self._samples.append((now, images))
        while len(self._samples) > 2 and self._samples[0][0] < now - _WINDOW:
            self._samples.popleft()
        since, before = self._samples[0]
        return (images - before) / (now - since) if now > since and images > before else None


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
