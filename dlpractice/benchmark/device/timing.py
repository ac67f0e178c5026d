"""How long a call takes: compiling apart, warm-up found, the device waited for, and how sure that is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Clock = Callable[[], float]

# Calls are warm once this many looks in a row were no faster than the best before, by this share of it.
_CALM_LOOKS = 2
_FASTER = 0.02
# A net whose clock speed wanders never calms down; after so many looks it is measured as it is.
_MOST_LOOKS = 40
# A look this long, in seconds, is believed at once: what warms up in a call of that length is little.
_LONG = 1.0

# More would say little, and fill the result's file.
_MOST_ROUNDS = 200

_RESAMPLES = 2000
_BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of one call.

    first_call_seconds: the first call, which compiles where a backend compiles.
    warmup_calls: calls after it until they stopped getting faster; they are not in `seconds`.
    calls_per_repetition: calls that were made in a row, and waited for together, in one repetition.
    seconds: per call, one entry for each repetition.
    """

    first_call_seconds: float
    warmup_calls: int
    calls_per_repetition: int
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds of a call."""
        return float(np.median(self.seconds))

    def rate(self, amount: float) -> dict[str, Any]:
        """The figures of a row: how much is done per second by a call that does `amount`.

        Returns: value, ci95, mad (the median absolute deviation from the median) and n, the samples they
        come from, and the seconds of the first call.
        """
        # Imported here, since it takes a second and the small processes that only measure do without.
        from scipy.stats import median_abs_deviation

        samples = [amount / seconds for seconds in self.seconds]
        return {
            "value": float(np.median(samples)),
            "ci95": list(median_interval(samples)),
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

    repetitions: at least so many of each figure. spread_seconds: from the first repetition to the last, about
    so long at least. Other programs, and the other guests of a virtual machine's host, slow a machine down
    for seconds at a time: what was measured within one such spell is wrong, however often.
    """

    repetitions: int
    spread_seconds: float = 0.0


class Watch:
    """A call that has been warmed up, to be timed one repetition at a time.

    A repetition is as many calls in a row as take `at_least_seconds`, and ends when `synchronise` has waited
    for what the last of them returned: a call may return before a device has done its work. `around` is
    entered for it, where a call needs settings that others do not.

    warm_seconds: of one call, as the warm-up saw it.
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
        """About what a repetition takes."""
        return self._calls * self.warm_seconds

    def repeat(self, *, after_others: bool) -> None:
        """Times one repetition. Where other calls were made since the last, one call more, not timed, brings
        its data back into the caches; where a repetition is a single long call, that is left out."""
        if after_others and self._calls > 1:
            self._look(1)
        self._seconds.append(self._look(self._calls))

    def read(self) -> Timing:
        """What was measured so far."""
        return Timing(self._first, self._warmup, self._calls, tuple(self._seconds))

    def _look(self, calls: int) -> float:
        """Seconds per call, of `calls` calls."""
        with self._around():
            started = self._clock()
            for _ in range(calls - 1):
                self._call()
            self._synchronise(self._call())
            return (self._clock() - started) / calls

    def _warm_up(self, at_least_seconds: float) -> tuple[int, float]:
        """Calls until they stop getting faster: how many these were, and the seconds of the fastest."""
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


def count_rounds(watches: Sequence[Watch], sampling: Sampling) -> int:
    """How many times all `watches` are repeated, by what they took when they were warmed up."""
    seconds = sum(watch.repetition_seconds for watch in watches)
    spread = math.ceil(sampling.spread_seconds / seconds) if seconds > 0 else 0
    return max(sampling.repetitions, min(spread, _MOST_ROUNDS))


def time_in_turn(
    watches: Sequence[Watch], sampling: Sampling, after_round: Callable[[], object] = lambda: None
) -> list[Timing]:
    """Repetitions of all `watches` in turn, so that each figure is spread over the time of all."""
    for _ in range(count_rounds(watches, sampling)):
        for watch in watches:
            watch.repeat(after_others=len(watches) > 1)
        after_round()
    return [watch.read() for watch in watches]


def _calls_in(wanted: float, seconds: float) -> int:
    """How many calls of `seconds` each fill `wanted` seconds: at least one."""
    return max(1, math.ceil(wanted / seconds)) if seconds > 0 else 1


def median_interval(samples: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the median (Efron 1979), seeded."""
    low, high = np.percentile(resampled_medians(samples, np.random.default_rng(_BOOTSTRAP_SEED)), (2.5, 97.5))
    return float(low), float(high)


def resampled_medians(samples: Sequence[float], rng: np.random.Generator) -> NDArray[np.float64]:
    """(2000,): the medians of samples of the same size, drawn with replacement."""
    values = np.asarray(samples, dtype=np.float64)
    drawn = values[rng.integers(len(values), size=(_RESAMPLES, len(values)))]
    return np.asarray(np.median(drawn, axis=1))
