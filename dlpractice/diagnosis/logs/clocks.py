"""When the rows of a log were measured: in epochs, in steps, or one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlpractice.diagnosis.logs.columns import FEWEST_VALUES, split_words
from dlpractice.diagnosis.logs.table import Table
from dlpractice.diagnosis.record import Clock, Floats

_FILLERS = {
    "train",
    "trainer",
    "training",
    "global",
    "current",
    "num",
    "number",
    "n",
    "no",
    "idx",
    "index",
    "id",
}
_EPOCHS = {"epoch", "epochs", "ep"}
_STEPS = {
    "step",
    "steps",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "it",
    "update",
    "updates",
    "batch",
    "batches",
}
_STEPS |= {"minibatch", "round", "rounds"}
_INDICES = ("", "unnamed: 0", "index")


def name_clock(name: str) -> Clock | None:
    """What a column called `name` counts: epochs, steps, or nothing but its rows; None for other columns."""
    if name.strip().lower() in _INDICES:
        return "entry"
    words = [word for word in split_words(name) if word not in _FILLERS]
    if len(words) != 1:
        return None
    return "epoch" if words[0] in _EPOCHS else "step" if words[0] in _STEPS else None


@dataclass(frozen=True)
class Times:
    """When the rows of a table were measured.

    times: (length,) float64 on the clock `clock`. epochs, steps: (length,) float64, how many had been
    trained; None where the log does not count them. loose: whether nothing but the numbers themselves says
    that they are epochs."""

    times: Floats
    clock: Clock
    epochs: Floats | None = None
    steps: Floats | None = None
    loose: bool = False


def read_times(table: Table, chosen: Mapping[str, str]) -> Times:
    """Decides on the clock of a log, and reads it. chosen: the columns that become curves, by their curves.

    Epochs go before steps, unless they are too few for a trend and something was measured more often. Then it
    is steps, or parts of epochs. Epochs that are counted from 0 are renumbered from 1.
    """
    rows = np.zeros(table.length, np.bool_)
    used = list(chosen.values())
    for name in used:
        rows[table.columns[name].rows] = True
    epochs, steps = _spread(table, "epoch"), _spread(table, "step")
    if epochs is None:
        return _count(table, chosen) if steps is None else _read_steps(table, chosen, steps, rows)
    epochs = _fill(epochs, steps)
    if not np.isfinite(epochs).any():
        return _count(table, chosen)
    if np.nanmin(epochs) == 0 and not _has_parts(epochs):
        epochs = epochs + 1.0
    if _has_parts(epochs[rows]) or not _is_finer(table, used, epochs, rows):
        return Times(epochs, "epoch", epochs, steps)
    if steps is not None and not np.isnan(steps[rows]).any():
        return Times(steps, "step", epochs, steps)
    return Times(_divide(table, used, epochs), "epoch", epochs, steps)


def _spread(table: Table, clock: Clock) -> Floats | None:
    """The column of a clock by rows, NaN where it has no value; of several, the one with the most values."""
    found = [
        column for name, column in table.columns.items() if name_clock(name) == clock and len(column.rows)
    ]
    if not found:
        return None
    most = max(found, key=lambda column: len(column.rows))
    spread = np.full(table.length, np.nan)
    spread[most.rows] = most.values
    return spread


def _has_parts(epochs: Floats) -> bool:
    """Whether some are no whole epochs."""
    return bool((epochs[np.isfinite(epochs)] % 1).any())


def _fill(epochs: Floats, steps: Floats | None) -> Floats:
    """Epochs for rows without one: that of the same step, or of the row before."""
    empty = np.isnan(epochs)
    if not empty.any() or empty.all():
        return epochs
    known = np.flatnonzero(~empty)
    if steps is not None and not np.isnan(steps[known]).any():
        order = known[np.argsort(steps[known], kind="stable")]
        places = np.searchsorted(steps[order], steps, side="left").clip(0, len(order) - 1)
        if _has_parts(epochs[known]):
            return np.where(empty, np.interp(steps, steps[order], epochs[order]), epochs)
        return np.where(empty & ~np.isnan(steps), epochs[order][places], epochs)
    before = np.maximum.accumulate(np.where(empty, -1, np.arange(len(epochs))))
    return epochs[np.where(before < 0, known[0], before)]


def _is_finer(table: Table, used: list[str], epochs: Floats, rows: np.ndarray) -> bool:
    """Whether there are too few epochs for a trend, and more values than that of some column."""
    count = len(np.unique(epochs[rows]))
    return count < FEWEST_VALUES and any(len(table.columns[name].rows) > count for name in used)


def _divide(table: Table, used: list[str], epochs: Floats) -> Floats:
    """Times within epochs: the values of an epoch are taken to lie evenly in it."""
    times = epochs.copy()
    for name in used:
        own = table.columns[name].rows
        for epoch in np.unique(epochs[own]):
            within = own[epochs[own] == epoch]
            times[within] = epoch - 1 + np.arange(1, len(within) + 1) / len(within)
    return times


def _read_steps(table: Table, chosen: Mapping[str, str], steps: Floats, rows: np.ndarray) -> Times:
    """Steps as they were logged. Those that a library counts unasked are epochs where they are consecutive
    and something says that they are: a name, or a validation beside the training."""
    if table.row == "step":
        counted = np.unique(steps[rows])
        consecutive = len(counted) > 1 and counted[0] in (0, 1) and bool((np.diff(counted) == 1).all())
        if consecutive and (_names_epochs(chosen) or _has_validation(chosen)):
            shifted = steps + (1.0 if counted[0] == 0 else 0.0)
            return Times(shifted, "epoch", shifted, loose=True)
    return Times(steps, "step", None, steps, loose=table.row == "step")


def _names_epochs(chosen: Mapping[str, str]) -> bool:
    return any("epoch" in split_words(name) for name in chosen.values())


def _has_validation(chosen: Mapping[str, str]) -> bool:
    return any(curve.startswith("val_") for curve in chosen)


LONGEST = 300
"""A column of more values, without a word of epochs and without validation, is more likely of steps."""


def _count(table: Table, chosen: Mapping[str, str]) -> Times:
    """The rows one after the other: epochs where the format or a name says so, or where they are few."""
    times = np.arange(1, table.length + 1, dtype=np.float64)
    longest = max((len(table.columns[name].rows) for name in chosen.values()), default=0)
    if table.row == "step":
        return Times(times, "step", None, times)
    says_so = table.row == "epoch" or _names_epochs(chosen) or _has_validation(chosen)
    if says_so or longest <= LONGEST:
        return Times(times, "epoch", times, loose=True)
    return Times(times, "entry", loose=True)


def align(curves: dict[str, tuple[Floats, Floats]]) -> tuple[dict[str, tuple[Floats, Floats]], float | None]:
    """Lays curves that were counted apart over the same span: training by steps, validation by epochs.

    curves: times and values by the names of curves. Where validation was counted without gaps from 0 or 1,
    and training goes three times as far or more, the steps of training become parts of those epochs.

    Returns the curves, and the number of steps in an epoch; None where nothing was changed.
    """
    slow = [times for name, (times, _) in curves.items() if name.startswith("val_")]
    fast = [times for name, (times, _) in curves.items() if not name.startswith("val_")]
    if not slow or not fast:
        return curves, None
    epochs = max(len(times) for times in slow)
    steps = max(float(times[-1]) - float(times[0]) + 1 for times in fast)
    gapless = all((np.diff(times) == 1).all() and times[0] in (0, 1) for times in slow)
    if epochs < 2 or not gapless or steps < 3 * epochs:
        return curves, None
    moved = {}
    for name, (times, values) in curves.items():
        own = float(times[-1]) - float(times[0]) + 1
        is_fast = own >= 3 * epochs
        since = times - times[0] + 1
        moved[name] = (since * (epochs / steps) if is_fast else since, values)
    return moved, steps / epochs
