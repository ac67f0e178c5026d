"""Accuracies as shares, whatever they were written in."""

import re
from collections.abc import Mapping

import numpy as np

from dlpractice.diagnosis.logs.columns import Source
from dlpractice.diagnosis.record import Floats
from dlpractice.errors import RunError

Pair = tuple[Floats, Floats]

_SLACK = 1e-3
"""By how much an accuracy may be above 1, or below 0, by rounding."""
_PERCENT = re.compile(r"%|percent|\bpct\b|_pct", re.IGNORECASE)


def read_shares(
    path: str, pairs: Mapping[str, Pair], chosen: Mapping[str, Source]
) -> tuple[dict[str, Pair], list[str]]:
    """Turns percent into shares, and shares of wrong answers into those of right ones, each column by itself.

    pairs: times and values by the names of curves. chosen: the columns that they come from.

    Returns the curves, and what was changed, as sentences.

    Raises:
        RunError: an accuracy is neither a share nor percent.
    """
    found, percent = dict(pairs), []
    for curve, (at, values) in pairs.items():
        if not curve.endswith("accuracy"):
            continue
        name = chosen[curve].column
        if _is_percent(path, name, values):
            values = values / 100
            percent.append(name)
        shares = 1 - values if chosen[curve].inverted else values
        found[curve] = (at, np.where(np.isfinite(shares), np.clip(shares, 0.0, 1.0), shares))
    notes = [f"{' and '.join(percent)} {'was' if len(percent) == 1 else 'were'} taken for percent"]
    return found, notes if percent else []


def _is_percent(path: str, name: str, values: Floats) -> bool:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return False
    low, high = float(finite.min()), float(finite.max())
    if low < -_SLACK or high > 100 + 100 * _SLACK:
        worst = low if low < -_SLACK else high
        raise RunError(
            f"{path}: an accuracy is {worst:g} ({name}), which is neither a share nor percent",
            "map the right column with --column, such as --column val_accuracy=COLUMN",
        )
    return high > 1 + _SLACK or (bool(_PERCENT.search(name)) and high > 0 and low < 1 < 100 * high)
