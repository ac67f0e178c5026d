"""Curves read through their noise: a trend, how far values scatter about it, and how sure a rise is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dlpractice.diagnosis.record import Curve, Floats

FEWEST = 5
"""Values that a curve needs for a trend: a line through four has two to spare, too few to see noise by."""
_SPAN = 0.05
_MOST = 1000
_WINDOWS = (0.1, 0.2, 1 / 3)
_NARROWEST = 3
_PICKED = 1.2
"""The start of a rise is picked for being low, which makes chance rises likelier. This factor on the error
of a rise makes up for that: level curves exceed three standard errors in about two of a hundred cases."""


@dataclass(frozen=True)
class Trend:
    """The n finite values of a curve, and the trend through their noise.

    times, raw: (n,) float64, as they were logged. smooth: (n,) float64, the trend at these times.
    errors: (n,) float64, the standard error of each value of `smooth`. noise: the standard deviation of a raw
    value about the trend.
    """

    times: Floats
    raw: Floats
    smooth: Floats
    errors: Floats
    noise: float

    @property
    def end(self) -> float:
        """The trend's last value."""
        return float(self.smooth[-1])

    @property
    def start(self) -> float:
        """The first value as it was logged. The trend lies below it where a curve starts steeply."""
        return float(self.raw[0])

    @property
    def lowest(self) -> int:
        """The place (0 to n - 1) at which the trend is lowest."""
        return int(self.smooth.argmin())

    def at(self, time: float) -> float:
        """The trend's value at `time`, interpolated; outside of its range the first or the last one."""
        return float(np.interp(time, self.times, self.smooth))

    def change(self, first: int, last: int) -> "Change":
        """The change from one place of the trend (0 to n - 1) to another."""
        error = math.hypot(float(self.errors[first]), float(self.errors[last]))
        before, after = float(self.smooth[first]), float(self.smooth[last])
        return Change(float(self.times[first]), float(self.times[last]), before, after, error)

    def rise(self) -> "Change":
        """The change from the lowest place of the trend to its end."""
        return self.change(self.lowest, len(self.raw) - 1)

    def averaged_rises(self) -> Iterator["Change"]:
        """The changes from the lowest average of several values in a row to the average of the last ones.

        Where values scatter widely, the trend's end rests on too few of them to show a rise. Averages over
        a tenth, a fifth and a third of the curve show a rise that lasts. They flatten a dip, and so
        understate a rise rather than overstate it: where a curve only falls, none of them rises.
        """
        for share in _WINDOWS:
            width = max(_NARROWEST, round(share * len(self.raw)))
            if 2 * width > len(self.raw):
                continue
            means = np.convolve(self.raw, np.full(width, 1 / width), "valid")
            low = int(means.argmin())
            error = _PICKED * self.noise * math.sqrt(2 / width)
            since, until = float(self.times[low + width // 2]), float(self.times[-1])
            yield Change(since, until, float(means[low]), float(means[-1]), error)

    def climb(self) -> "Change":
        """The largest rise from one place of the trend to a later one, which need not be its end."""
        last = int((self.smooth - np.minimum.accumulate(self.smooth)).argmax())
        return self.change(int(self.smooth[: last + 1].argmin()), last)

    def tail(self, share: float) -> "Change":
        """The change over the last `share` of the values, a share in (0, 1]."""
        return self.change(len(self.raw) - 1 - max(1, round(share * (len(self.raw) - 1))), len(self.raw) - 1)


@dataclass(frozen=True)
class Change:
    """A trend's values `before` at the time `since` and `after` at the time `until`; `error` is the standard
    error of their difference."""

    since: float
    until: float
    before: float
    after: float
    error: float

    @property
    def amount(self) -> float:
        """How much the trend rose; below zero where it fell."""
        return self.after - self.before

    @property
    def relative(self) -> float:
        """The rise as a share of the value before."""
        return self.amount / max(abs(self.before), 1e-12)

    @property
    def deviations(self) -> float:
        """The rise in standard errors."""
        return self.amount / max(self.error, 1e-12)


def read_trend(curve: Curve) -> Trend | None:
    """The trend of a curve's finite values; None where there are fewer than FEWEST.

    Local linear regression with tricube weights (Cleveland, JASA 74, 1979): unlike a moving average it
    neither lags behind at the ends nor flattens a slope. The span is a twentieth of the curve, and five
    values at least: wide enough to average noise, narrow enough for the dip that follows a falling learning
    rate. Curves of more than a thousand values are averaged to that first.
    """
    times, raw = curve.times, curve.array
    finite = np.isfinite(raw)
    times, raw = times[finite], raw[finite]
    if len(raw) < FEWEST:
        return None
    times, raw = _thin(times, raw)
    reach = max(FEWEST, math.ceil(_SPAN * len(raw))) // 2 + 1
    places = np.arange(len(raw), dtype=np.float64)
    smooth, norms = np.empty(len(raw)), np.empty(len(raw))
    for place in range(len(raw)):
        low, high = max(0, place - reach + 1), min(len(raw), place + reach)
        kernel = _kernel(places[low:high] - place, reach)
        smooth[place], norms[place] = kernel @ raw[low:high], math.sqrt(float(kernel @ kernel))
    noise = measure_noise(raw)
    return Trend(times, raw, smooth, noise * norms, noise)


def measure_noise(values: Floats) -> float:
    """The standard deviation of single values about a smooth trend, whatever the trend.

    From how far each value lies off the middle of its neighbours: Gasser, Sroka and Jennen-Steinmetz,
    Biometrika 73 (1986). By the median, so that steps and spikes do not count as noise.
    """
    if len(values) < 3:
        return 0.0
    off = (values[:-2] + values[2:]) / 2 - values[1:-1]
    return float(1.4826 * np.median(np.abs(off)) / math.sqrt(1.5))


def _thin(times: Floats, raw: Floats) -> tuple[Floats, Floats]:
    if len(raw) <= _MOST:
        return times, raw
    blocks = np.array_split(np.arange(len(raw)), _MOST)
    return times[[block[-1] for block in blocks]], np.array([raw[block].mean() for block in blocks])


def _kernel(offsets: Floats, reach: int) -> Floats:
    """The weights by which a local line's value at offset 0 is made from the values at `offsets`."""
    weights = (1 - np.abs(offsets / reach) ** 3) ** 3
    first, second = float(weights @ offsets), float(weights @ offsets**2)
    total = float(weights.sum())
    kernel = weights * (second - first * offsets) / (total * second - first**2)
    return np.asarray(kernel)
