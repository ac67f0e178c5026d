"""Curves read through their noise: a trend, how far values scatter about it, and how sure a rise is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from dlpractice.diagnosis.record import Curve, Floats

FEWEST = 5
"""Values that a curve needs for a trend: a line through four has two to spare, too few to see noise by."""
_SPAN = 0.05
_MOST = 400
_WINDOWS = (0.1, 0.2, 1 / 3)
_NARROWEST = 3
_ORDERS = 999
"""What is larger than in 999 other orders has a chance of one in a thousand (Phipson and Smyth, Stat. Appl.
Genet. Mol. Biol. 9, 2010): as little as three standard errors, and little enough for the four kinds of
change that are looked at."""
_CLOSEST = 0.1
_ONE_SIDED = 2.33
_OF_MEDIAN = math.sqrt(math.pi / 2)
SURE = 3.0
"""Standard errors of a change from which on it counts as seen: a one-sided chance of 0.1 % for normal noise.
The largest of many has errors such that three of them have that chance, too."""


@dataclass(frozen=True)
class Trend:
    """The n finite values of a curve, and the trend through their noise.

    times, raw: (n,) float64, as they were logged. smooth: (n,) float64, the trend at these times.
    errors: (n,) float64, the standard error of each value of `smooth`. noise: the standard deviation of a raw
    value about the trend. weights: (n, n) float64, by which `smooth` is made from `raw`.
    """

    times: Floats
    raw: Floats
    smooth: Floats
    errors: Floats
    noise: float
    weights: Floats = field(repr=False)

    @property
    def end(self) -> float:
        """The trend's last value."""
        return float(self.smooth[-1])

    @property
    def start(self) -> float:
        """The first value as it was logged. The trend lies below it where a curve starts steeply."""
        return float(self.raw[0])

    @property
    def fall(self) -> float:
        """How far the trend fell below its start: what was gained, wherever the loss has its zero."""
        return self.start - float(self.smooth.min())

    @property
    def level(self) -> tuple[float, float]:
        """The median of the later half of the values, and its standard error for normal noise."""
        later = self.raw[len(self.raw) // 2 :]
        return float(np.median(later)), _OF_MEDIAN * self.noise / math.sqrt(len(later))

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
        return self._picked(self.change(self.lowest, len(self.raw) - 1))

    def averaged_rises(self) -> Iterator["Change"]:
        """The changes from the lowest average of several values in a row to the average of the last ones.

        Where values scatter widely, the trend's end rests on too few of them to show a rise. Averages over
        a tenth, a fifth and a third of the curve show a rise that lasts. They flatten a dip, and so
        understate a rise rather than overstate it: where a curve only falls, none of them rises.
        """
        for width in self._widths():
            means = _average(self.raw[None], width)[0]
            yield self._averaged(means, int(means.argmin()), len(means) - 1, width, to_end=True)

    def climbs(self) -> Iterator["Change"]:
        """The largest rise from one place of the trend to a later one; then those of averages.

        A rise need not end where the curve does. In averages a step counts for what lasts of it.
        """
        inner = self.smooth[:-1]  # the last value alone makes most of the trend there
        last = int((inner - np.minimum.accumulate(inner)).argmax())
        yield self._picked(self.change(int(inner[: last + 1].argmin()), last))
        for width in self._widths():
            means = _average(self.raw[None], width)[0]
            lowest = np.minimum.accumulate(means[:-width])
            last = int((means[width:] - lowest).argmax()) + width
            yield self._averaged(means, int(means[: last - width + 1].argmin()), last, width, to_end=False)

    def between(self, since: float, until: float) -> "Change":
        """The change between two times, from the median of a sixth of the values to that of another."""
        before, after = self._around(since, until)
        error = self.noise * math.sqrt(2 / len(before))
        return Change(since, until, float(np.median(before)), float(np.median(after)), error)

    def rises(self, since: float, until: float) -> bool:
        """Whether most values up to the time `until` are larger than those about `since`, beyond chance.

        A rank-sum test (Mann and Whitney 1947), one-sided at 1 %, which holds for noise with any tails.
        """
        before, after = self._around(since, until)
        larger = float((after[:, None] > before).sum() + 0.5 * (after[:, None] == before).sum())
        n, m = len(before), len(after)
        return larger - n * m / 2 > _ONE_SIDED * math.sqrt(n * m * (n + m + 1) / 12)

    def _around(self, since: float, until: float) -> tuple[Floats, Floats]:
        """Two times a sixth of the values, four at least: about `since`, and the last ones until `until`."""
        width = max(4, round(len(self.raw) / 6))
        first, last = (int(np.searchsorted(self.times, time)) for time in (since, until))
        low = max(0, first - width // 2)
        return self.raw[low : low + width], self.raw[max(0, last + 1 - width) : last + 1]

    def _widths(self) -> Iterator[int]:
        for share in _WINDOWS:
            width = max(_NARROWEST, round(share * len(self.raw)))
            if 2 * width <= len(self.raw):
                yield width

    def _averaged(self, means: Floats, first: int, last: int, width: int, to_end: bool) -> "Change":
        """The change between two places of the averages; one to the end has its end there."""
        until = self.times[-1] if to_end else self.times[last + width // 2]
        since, error = float(self.times[first + width // 2]), self.noise * math.sqrt(2 / width)
        return self._picked(
            Change(since, float(until), float(means[first]), float(means[last]), error), width, to_end
        )

    def _picked(self, change: "Change", width: int = 0, to_end: bool = False) -> "Change":
        """The change with the standard error of one that was picked among many for being large."""
        if change.deviations <= SURE:
            return change
        return replace(change, error=max(change.error, self._by_chance(width, to_end) / SURE))

    def _by_chance(self, width: int, to_end: bool) -> float:
        """The largest change that noise alone makes in 999 orders: of the trend, or of averages over `width`.

        A test by permutation (Pitman 1937): it holds for noise with any tails, and for the largest of all
        changes.
        """
        levels = _average(self.shuffled, width) if width else self.shuffled @ self.weights.T
        if to_end:
            return float((levels[:, -1] - levels.min(axis=1)).max())
        return float((levels - np.minimum.accumulate(levels, axis=1)).max())

    @cached_property
    def shuffled(self) -> Floats:
        """(999, n) what stands about the trend, in other orders: noise with the tails of this curve's.

        Values lie closer to a trend that was fitted to them than to the true one; that is made up for.
        """
        own = np.diagonal(self.weights)
        closer = np.sqrt(np.maximum(_CLOSEST, 1 - 2 * own + (self.weights**2).sum(axis=1)))
        around = (self.raw - self.smooth) / closer
        return np.random.default_rng(0).permuted(np.tile(around, (_ORDERS, 1)), axis=1)

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
    rate. Curves of more than four hundred values are averaged to that first.
    """
    times, raw = curve.times, curve.array
    finite = np.isfinite(raw)
    times, raw = times[finite], raw[finite]
    if len(raw) < FEWEST:
        return None
    times, raw = _thin(times, raw)
    reach = max(FEWEST, math.ceil(_SPAN * len(raw))) // 2 + 1
    places = np.arange(len(raw), dtype=np.float64)
    weights = np.zeros((len(raw), len(raw)))
    for place in range(len(raw)):
        low, high = max(0, place - reach + 1), min(len(raw), place + reach)
        weights[place, low:high] = _kernel(places[low:high] - place, reach)
    noise, norms = measure_noise(raw), np.sqrt((weights**2).sum(axis=1))
    return Trend(times, raw, weights @ raw, noise * norms, noise, weights)


def _average(rows: Floats, width: int) -> Floats:
    """(m, n - width + 1) the averages of `width` values in a row of each of (m, n) rows."""
    sums = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    return np.asarray((sums[:, width:] - sums[:, :-width]) / width)


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
