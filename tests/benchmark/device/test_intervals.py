import math

import numpy as np
import pytest

from dlpractice.benchmark.device.intervals import log_error, ratio_interval, repeat_interval
from dlpractice.statistics.quantiles import Z95, student_quantile


def coverage(runs: np.ndarray, drift: float = 0.0) -> float:
    """How often the interval of a run holds the median of the next one. `runs`: (R, N) log speeds."""
    medians = np.median(runs, axis=1)
    held = 0
    for samples, other in zip(runs[:-1], medians[1:], strict=True):
        low, high = repeat_interval(np.exp(samples).tolist(), drift)  # type: ignore[misc]
        held += low <= math.exp(other) <= high
    return held / (len(runs) - 1)


@pytest.mark.parametrize("repetitions", [5, 7, 40])
def test_the_interval_holds_what_another_run_finds(repetitions: int) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, (400, repetitions))
    assert 0.93 <= coverage(noise) <= 0.995


def test_repetitions_that_are_slow_together_are_not_taken_for_many() -> None:
    """Forty repetitions in spells of eight: were they independent, three of four intervals would miss."""
    rng = np.random.default_rng(1)
    spells = np.repeat(rng.normal(0.0, 0.1, (400, 5)), 8, axis=1)
    assert coverage(spells + rng.normal(0.0, 0.01, spells.shape)) >= 0.9


def test_a_drift_that_no_repetition_sees_is_in_the_interval() -> None:
    rng = np.random.default_rng(2)
    runs = rng.normal(0.0, 0.1, (400, 1)) + rng.normal(0.0, 0.01, (400, 7))
    assert coverage(runs) < 0.5
    assert 0.92 <= coverage(runs, drift=0.1) <= 0.98


def test_the_error_of_few_repetitions_is_that_of_a_median() -> None:
    samples = [2.0, 3.0, 4.0]
    assert log_error(samples) == pytest.approx(1.2533 * np.std(np.log(samples), ddof=1) / math.sqrt(3))
    assert log_error([1.0, 2.0]) is None
    assert repeat_interval([1.0, 2.0]) is None


def test_steady_repetitions_leave_nothing_open_and_drift_alone_does() -> None:
    assert repeat_interval([3.0] * 7) == [3.0, 3.0]
    low, high = repeat_interval([3.0] * 7, drift=0.02)  # type: ignore[misc]
    reach = Z95 * math.sqrt(2) * 0.02
    assert (low, high) == pytest.approx((3 * math.exp(-reach), 3 * math.exp(reach)))


def test_the_interval_of_a_ratio_is_as_wide_as_the_noise_of_both() -> None:
    steady, noisy = [2.0] * 7, [0.9, 1.0, 1.1, 1.0, 0.95, 1.05, 1.0]
    low, high = ratio_interval(steady, noisy)  # type: ignore[misc]
    reach = student_quantile(4) * (log_error(noisy) or 0)
    assert (low, high) == pytest.approx((2 * math.exp(-reach), 2 * math.exp(reach)))
    assert ratio_interval([1.0], noisy) is None
