"""How long a call takes, and how sure that is.

The first call, which compiles, is kept apart; calls are repeated until they are warm; the device is waited
for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlpractice.benchmark.device.intervals import LEAST_REPETITIONS, repeat_interval

Clock = Callable[[], float]

# Calls are warm after this many looks in a row that did not beat the best before by this share.
_CALM_LOOKS = 2
_FASTER = 0.02
# A net whose clock speed wanders never calms down; after so many looks it is measured as it is.
_MOST_LOOKS = 40
# One such look that lasts this many seconds is enough: warming up is a small part of so long a call.
_LONG = 1.0

# More rounds would add little precision, and fill the result's file.
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of one call.

    first_call_seconds: the first call, which compiles where a backend compiles.
    warmup_calls: how many calls after it were made until they got no faster; they are not in `seconds`.
    calls_per_repetition: how many calls one repetition makes in a row before it waits for the device.
    seconds: per call, one entry for each repetition.
    """

    first_call_seconds: float
    warmup_calls: int
    calls_per_repetition: int
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median time of a call, in seconds."""
        return float(np.median(self.seconds))

    def rate(self, amount: float) -> dict[str, Any]:
        """The fields of a row: how much is done per second by a call that does `amount`.

        Returns: value (the median), ci95 (see `intervals`; drift comes to it at the end of a run), mad (the
        median absolute deviation from the median), n and the samples that they come from, the seconds of the
        first call, and the numbers of calls.
        """
        # Imported here: the import takes a second, and small processes that only measure never come here.
        from scipy.stats import median_abs_deviation

        samples = [amount / seconds for seconds in self.seconds]
        return {
            "value": float(np.median(samples)),
            "ci95": repeat_interval(samples),
            "mad": float(median_abs_deviation(samples)),
            "n": len(samples),
            "samples": samples,
            "first_call_seconds": self.first_call_seconds,
            "warmup_calls": self.warmup_calls,
            "calls_per_repetition": self.calls_per_repetition,
            "kind": "measured",
        }


@dataclass(frozen=True)
class Sampling:
    """How often a figure is measured, and over how long.

    Other programs, and the other guests of a virtual machine's host, slow a machine down for seconds at a
    time. A figure that was measured within one such spell is wrong, however often it was repeated.

    repetitions: the least number of repetitions of each figure.
    spread_seconds: about the least time from the first repetition to the last.
    """

    repetitions: int
    spread_seconds: float = 0.0


class Watch:
    """A call that has been warmed up, and is timed one repetition at a time.

    A repetition makes as many calls in a row as take `at_least_seconds`. It ends when `synchronise` has
    waited for what the last call returned, since a call may return before a device has done its work.

    around: a context that each repetition runs in, for calls that need settings of their own.
    warm_seconds: what one call took at the end of the warm-up.
    """

    def __init__(
        self,
        call: Callable[[], object],
        *,
        synchronise: Callable[[object], None],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        at_least_seconds: float = 0.1,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._call, self._synchronise, self._around, self._clock = call, synchronise, around, clock
        self._first = self._look(1)
        self._warmup, self.warm_seconds = self._warm_up(at_least_seconds)
        self._calls = _calls_in(at_least_seconds, self.warm_seconds)
        self._seconds: list[float] = []

    @property
    def repetition_seconds(self) -> float:
        """About how many seconds a repetition takes."""
        return self._calls * self.warm_seconds

    def repeat(self, *, after_others: bool) -> None:
        """Times one repetition.

        after_others: whether other calls were made since the last repetition. Then one call more, which is
            not timed, brings the data back into the caches. It is left out where a repetition is a single
            long call.
        """
        if after_others and self._calls > 1:
            self._look(1)
        self._seconds.append(self._look(self._calls))

    def run_for(self, seconds: float) -> int:
        """Makes calls without a pause for so many seconds, and waits for them; gives their number."""
        started, made = self._clock(), 0
        while self._clock() - started < seconds:
            self._look(self._calls)
            made += self._calls
        return made

    def read(self) -> Timing:
        """All repetitions so far."""
        return Timing(self._first, self._warmup, self._calls, tuple(self._seconds))

    def _look(self, calls: int) -> float:
        """Makes `calls` calls, and gives the seconds of one."""
        with self._around():
            started = self._clock()
            for _ in range(calls - 1):
                self._call()
            self._synchronise(self._call())
            return (self._clock() - started) / calls

    def _warm_up(self, at_least_seconds: float) -> tuple[int, float]:
        """Makes calls until they stop getting faster; gives their number, and the seconds of the fastest."""
        best, made, calls, calm = math.inf, 0, 1, 0
        for _ in range(_MOST_LOOKS):
            seconds = self._look(calls)
            made += calls
            calm = calm + 1 if seconds > best * (1 - _FASTER) else 0
            best = min(best, seconds)
            if calm >= _CALM_LOOKS or (calm and seconds * calls > _LONG):
                break
            # Looks grow to a fifth of a repetition: a single short call is too noisy to tell.
            calls = _calls_in(at_least_seconds / 5, best)
        return made, best


def count_rounds(watches: Sequence[Watch], sampling: Sampling, seconds: float = math.inf) -> int:
    """How many rounds to measure, by the time that one repetition of each of `watches` takes.

    seconds: about the most that they may take together; there are as many as an interval needs even so.
    """
    round_seconds = sum(watch.repetition_seconds for watch in watches)
    if round_seconds <= 0:
        return sampling.repetitions
    wanted = max(sampling.repetitions, min(math.ceil(sampling.spread_seconds / round_seconds), _MOST_ROUNDS))
    if wanted * round_seconds <= seconds:
        return wanted
    return max(min(LEAST_REPETITIONS, wanted), int(seconds / round_seconds))


def time_in_turn(
    watches: Sequence[Watch], rounds: int, after_round: Callable[[], object] = lambda: None
) -> list[Timing]:
    """Repeats all `watches` in turn, so that the repetitions of each are spread over the time of all."""
    for _ in range(rounds):
        for watch in watches:
            watch.repeat(after_others=len(watches) > 1)
        after_round()
    return [watch.read() for watch in watches]


def _calls_in(wanted: float, seconds: float) -> int:
    """How many calls of `seconds` each it takes to fill `wanted` seconds; at least one."""
    return max(1, math.ceil(wanted / seconds)) if seconds > 0 else 1
