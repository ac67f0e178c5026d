"""Trends: exact on lines, honest about noise."""

import numpy as np
import pytest

from dlpractice.diagnosis.curves.trends import FEWEST, SURE, measure_noise, read_trend
from dlpractice.diagnosis.record import Curve


def trend_of(values: np.ndarray):
    return read_trend(Curve(tuple(map(float, range(1, len(values) + 1))), tuple(map(float, values))))


def test_a_line_stays_a_line() -> None:
    line = 3 - 0.1 * np.arange(40)
    trend = trend_of(line)
    assert trend.smooth == pytest.approx(line)
    assert trend.noise == pytest.approx(0, abs=1e-12)


def test_few_values_have_no_trend_and_those_that_are_not_finite_do_not_count() -> None:
    assert trend_of(np.arange(FEWEST - 1.0)) is None
    assert trend_of(np.array([1, np.nan, 2, 3, np.inf, 4])) is None
    assert len(trend_of(np.array([1, np.nan, 2, 3, 4, 5])).raw) == 5


def test_noise_is_found_whatever_the_trend() -> None:
    rng = np.random.default_rng(0)
    slow = np.cos(np.arange(2000) / 300)
    assert measure_noise(slow + rng.normal(0, 0.02, 2000)) == pytest.approx(0.02, rel=0.1)
    assert measure_noise(np.ones(2)) == 0


def test_standard_errors_are_those_of_repetitions() -> None:
    rng = np.random.default_rng(1)
    repeated = [trend_of(2 - 0.03 * np.arange(40) + rng.normal(0, 0.1, 40)) for _ in range(400)]
    ends = np.array([trend.end for trend in repeated])
    claimed = np.median([trend.errors[-1] for trend in repeated])
    assert ends.std() == pytest.approx(claimed, rel=0.15)
    assert ends.mean() == pytest.approx(2 - 0.03 * 39, abs=0.02)


def test_a_rise_is_measured_from_the_lowest_place() -> None:
    curve = np.concatenate([np.linspace(1, 0.5, 50), np.linspace(0.5, 0.8, 50)])
    rise = trend_of(curve).rise()
    assert rise.before == pytest.approx(0.5, abs=0.01)
    assert (rise.after, rise.until) == (pytest.approx(0.8), 100)
    assert rise.relative == pytest.approx(0.6, abs=0.04)
    assert trend_of(curve).at(1000.0) == pytest.approx(0.8)


def test_averages_see_a_rise_through_wide_scatter() -> None:
    """40 epochs that rise by a fifth in the second half, with a tenth of noise: the ends alone say little."""
    rng = np.random.default_rng(3)
    curve = np.concatenate([np.linspace(1.5, 1, 20), np.linspace(1, 1.3, 40)])
    trends = [trend_of(curve * (1 + rng.normal(0, 0.08, 60))) for _ in range(200)]
    local = sum(trend.rise().deviations > 3 for trend in trends)
    averaged = sum(any(rise.deviations > 3 for rise in trend.averaged_rises()) for trend in trends)
    assert averaged > 1.3 * local


def test_averages_of_a_falling_or_level_curve_hardly_rise() -> None:
    steep = trend_of(np.exp(-np.arange(50) / 2))
    assert all(rise.amount <= 0 for rise in steep.averaged_rises())
    rng = np.random.default_rng(4)
    levels = [trend_of(1 + rng.normal(0, 0.1, 60)) for _ in range(300)]
    assert sum(any(r.deviations > 3 and r.relative > 0.05 for r in t.averaged_rises()) for t in levels) <= 9


def test_a_climb_may_end_anywhere() -> None:
    curve = np.concatenate([np.linspace(1, 0.2, 20), np.linspace(0.2, 3, 20), np.linspace(3, 0, 40)])
    climb = next(trend_of(curve).climbs())
    assert (climb.since, climb.until) == (pytest.approx(20, abs=1), pytest.approx(40, abs=1))
    assert climb.amount == pytest.approx(2.8, abs=0.2)
    assert next(trend_of(np.linspace(1, 0, 30)).climbs()).amount == 0


def test_a_level_curve_rises_seldom() -> None:
    rng = np.random.default_rng(2)
    rises = [trend_of(1 + rng.normal(0, 0.05, 60)).rise() for _ in range(300)]
    assert sum(rise.deviations > 3 and rise.relative > 0.05 for rise in rises) <= 15


def test_long_curves_are_thinned() -> None:
    trend = trend_of(np.linspace(1, 0, 4000))
    assert len(trend.raw) == 400
    assert trend.times[-1] == 4000
    assert trend.smooth == pytest.approx(np.linspace(1, 0, 400), abs=2e-3)


def test_the_largest_of_heavy_tails_is_seldom_a_climb() -> None:
    """Three standard errors of normal noise are passed by most curves of log-normal noise."""
    rng = np.random.default_rng(5)
    trends = [trend_of(np.exp(1.2 * rng.normal(size=60))) for _ in range(200)]
    assert sum(any(climb.deviations > SURE for climb in trend.climbs()) for trend in trends) <= 6
    normal = sum(trend.change(trend.lowest, int(trend.smooth.argmax())).deviations > SURE for trend in trends)
    assert normal > 100


def test_a_step_that_lasts_is_a_climb_of_averages() -> None:
    step = trend_of(np.r_[np.full(10, 0.3), np.full(10, 1.5)] + np.random.default_rng(6).normal(0, 0.02, 20))
    climb = next(climb for climb in step.climbs() if climb.deviations > SURE)
    assert climb.before == pytest.approx(0.3, abs=0.05)
    assert climb.after == pytest.approx(1.5, abs=0.05)


def test_ranks_tell_a_rise_of_noisy_values() -> None:
    rng = np.random.default_rng(7)
    noise = np.exp(0.8 * rng.normal(size=(100, 60)))
    rising = [trend_of(row * np.r_[np.full(30, 1.0), np.linspace(1, 5, 30)]) for row in noise]
    assert sum(trend.rises(25, 60) for trend in rising) >= 85
    assert sum(trend_of(row).rises(25, 60) for row in noise) <= 4
    change = rising[0].between(25, 60)
    assert (change.since, change.until) == (25, 60)
    assert change.after == pytest.approx(float(np.median(rising[0].raw[-10:])))
