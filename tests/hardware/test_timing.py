import numpy as np
import pytest

from dlpractice.hardware.timing import (
    Timing,
    median_deviation,
    median_interval,
    resampled_medians,
    time_calls,
)


class Device:
    """A device whose calls take known times by the clock of the test, and are done only when waited for."""

    def __init__(self, seconds: list[float]) -> None:
        self.now, self.calls, self.waits = 0.0, 0, 0
        self._seconds = seconds
        self._queued = 0.0

    def call(self) -> int:
        self._queued += self._seconds[min(self.calls, len(self._seconds) - 1)]
        self.calls += 1
        return self.calls

    def synchronise(self, value: object) -> None:
        assert value == self.calls, "what is waited for is what the last call returned"
        self.now += self._queued
        self._queued = 0.0
        self.waits += 1

    def time(self, **options: float) -> Timing:
        return time_calls(
            self.call,
            synchronise=self.synchronise,
            clock=lambda: self.now,
            **options,  # type: ignore[arg-type]
        )


def test_a_steady_call_is_measured_exactly() -> None:
    timing = Device([1.0]).time(repetitions=5, at_least_seconds=0.05)
    assert timing.seconds == (1.0,) * 5
    assert (timing.median, timing.ci95, timing.mad) == (1.0, (1.0, 1.0), 0.0)
    assert timing.calls_per_repetition == 1


def test_compiling_and_warming_up_are_not_in_the_figures() -> None:
    device = Device([30.0, 8.0, 6.0, 4.0, 2.0])
    timing = device.time(repetitions=7)
    assert timing.first_call_seconds == 30.0
    assert timing.seconds == (2.0,) * 7
    assert timing.warmup_calls == 5, "four that got faster, and one that did not"
    assert device.calls == 1 + 5 + 7


def test_short_calls_are_made_in_a_row_and_waited_for_together() -> None:
    device = Device([0.5, 0.001])
    timing = device.time(repetitions=6, at_least_seconds=0.05)
    assert timing.calls_per_repetition == 50
    assert timing.seconds == pytest.approx([0.001] * 6)
    assert device.calls == 1 + timing.warmup_calls + 6 * 50
    assert device.waits < 20, "one wait for a row of calls"


def test_warming_up_ends_where_it_never_gets_calm() -> None:
    timing = Device([0.9**call for call in range(60)]).time(repetitions=5)
    assert timing.warmup_calls == 40
    assert len(timing.seconds) == 5


def test_short_calls_are_warm_only_when_two_looks_in_a_row_were_no_faster() -> None:
    # The second look is slower by chance; the clock speed rises after it.
    timing = Device([9.0, 0.2, 0.3, 0.1]).time(repetitions=5)
    assert timing.seconds == pytest.approx([0.1] * 5)
    assert timing.warmup_calls == 5


def test_a_rate_is_amount_by_time() -> None:
    timing = Timing(9.0, 3, 2, (1.0, 2.0, 4.0))
    row = timing.rate(8.0)
    assert (row["value"], row["mad"], row["n"]) == (4.0, 2.0, 3)
    assert row["samples"] == [8.0, 4.0, 2.0]
    assert row["ci95"] == [2.0, 8.0]
    assert (row["first_call_seconds"], row["warmup_calls"], row["kind"]) == (9.0, 3, "measured")


def test_resampled_medians_follow_the_exact_distribution() -> None:
    # The median of three draws from {1, 2, 3} is 2 in 13 of 27 cases, 1 and 3 in 7 of 27 each.
    medians = resampled_medians([1.0, 2.0, 3.0], np.random.default_rng(1))
    shares = [float(np.mean(medians == value)) for value in (1, 2, 3)]
    assert shares == pytest.approx([7 / 27, 13 / 27, 7 / 27], abs=0.04)


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for sample in rng.normal(5.0, 1.0, size=(200, 25)):
        low, high = median_interval(sample.tolist())
        covered += low <= 5.0 <= high
    assert 0.90 <= covered / 200 <= 1.0


def test_the_deviation_ignores_an_outlier() -> None:
    assert median_deviation([1.0, 2.0, 3.0, 4.0, 1000.0]) == 1.0
