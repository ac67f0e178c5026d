"""Compares a benchmark with an earlier one: each figure with its counterpart, and all figures together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlpractice.benchmark.device.intervals import log_error, ratio_interval, samples_of
from dlpractice.statistics.quantiles import Z95, shared_z

Row = Mapping[str, Any]
Key = tuple[str, str]

# With fewer repetitions on either side, the interval is too uncertain for a verdict.
_LEAST_REPETITIONS = 5

# How often the median of all ratios is drawn anew, to see how far noise alone moves it.
_DRAWS = 2000

# These change from minute to minute and say nothing about which machine it is.
_FLEETING = ("host.load_average", "host.clock_mhz")
_ENVIRONMENT = ("host", "backend", "devices", "gpus", "versions", "threads", "governor", "precision")


def compare_with_baseline(
    document: Mapping[str, Any], baseline: Mapping[str, Any], tolerance: float
) -> dict[str, Any]:
    """Pairs the measured rows of two benchmarks by name and unit.

    A ratio is the new median over the old one, turned over where lower is better: above 1 is faster. Its
    interval is what the noise and the drift of both runs leave open (`device/intervals`). A row `fell` or
    `rose` where that interval lies on one side of 1. It is `slower` where both the ratio and its interval,
    widened to hold for all rows at once (Bonferroni), lie below 1 - tolerance.

    All rows together are judged by the median of their ratios, which a single row cannot carry however far it
    rose: they are slower where the median and its interval lie below 1 - tolerance.

    A baseline of an earlier version has no drift; then the tolerance has to allow for it.

    Args:
        document, baseline: what benchmark.json holds, now and before.
        tolerance: the share, in [0, 1), of the speed that may be lost.

    Returns: rows (name, unit, before, now, ratio, ci95, change, slower), overall (ratio, ci95, n, fell, rose,
    slower), the names of rows that are on one side only or have no value, and what differs between the
    environments and between the configs.
    """
    new, old = _measured_rows(document), _measured_rows(baseline)
    pairs = [(new[key], old[key]) for key in new if key in old]
    rows = [_compare_row(now, before, len(pairs), tolerance) for now, before in pairs]
    drift = float(np.median([_drift(*pair) for pair in pairs])) if pairs else 0.0
    rng = np.random.default_rng(document["config"]["seed"])
    overall = _overall(rows, [_error(*pair) for pair in pairs], drift, rng, tolerance) if rows else None
    return {
        "tolerance": tolerance,
        "rows": rows,
        "overall": overall,
        "slower": bool(overall and overall["slower"]) or any(row["slower"] for row in rows),
        "only_now": [name for name, _ in new.keys() - old.keys()],
        "only_before": [name for name, _ in old.keys() - new.keys()],
        "environment": _differences(document["environment"], baseline.get("environment", {}), _ENVIRONMENT),
        "config": _differences(document["config"], baseline.get("config", {})),
    }


def _measured_rows(document: Mapping[str, Any]) -> dict[Key, Row]:
    return {
        (row["name"], row.get("unit", "")): row
        for part in document["parts"].values()
        for row in part["rows"]
        if row.get("kind", "measured") == "measured" and row.get("value")
    }


def _drift(new: Row, old: Row) -> float:
    """How far the machine drifts, in both runs together; rows of an earlier version do not say."""
    return math.hypot(*(row.get("drift", 0.0) for row in (new, old)))


def _compare_row(new: Row, old: Row, rows: int, tolerance: float) -> dict[str, Any]:
    sign = -1 if new.get("lower_is_better") else 1
    found = [_interval(new, old, sign, z) for z in (Z95, shared_z(rows))]
    ratio = float((new["value"] / old["value"]) ** sign)
    single, shared = found
    return {
        "name": new["name"],
        "unit": new.get("unit", ""),
        "before": old["value"],
        "now": new["value"],
        "ratio": ratio,
        "ci95": single,
        "n": min(len(samples_of(row)) for row in (new, old)),
        "change": None if single is None else _change(single),
        "slower": shared is not None and max(ratio, shared[1]) < 1 - tolerance,
    }


def _change(interval: Sequence[float]) -> str:
    low, high = interval
    return "fell" if high < 1 else "rose" if low > 1 else "same"


def _interval(new: Row, old: Row, sign: int, z: float) -> list[float] | None:
    """The interval of the ratio, lower end first; None where one side has too few repetitions."""
    now, before = samples_of(new), samples_of(old)
    if min(len(now), len(before)) < _LEAST_REPETITIONS:
        return None
    found = ratio_interval(now, before, _drift(new, old), z)
    return None if found is None else sorted(end**sign for end in found)


def _error(new: Row, old: Row) -> float:
    """The standard error of the logarithm of a ratio by noise alone; 0 where it is not known."""
    return math.hypot(*(log_error(samples_of(row)) or 0.0 for row in (new, old)))


def _overall(
    rows: Sequence[Row], errors: Sequence[float], drift: float, rng: np.random.Generator, tolerance: float
) -> dict[str, Any]:
    """The median of the ratios with its interval, and how many rows changed beyond their noise.

    For the interval the ratios are drawn anew: each moves by its own noise, and all of them together by the
    drift of the machine.
    """
    logs = np.log([row["ratio"] for row in rows])
    drawn = logs + rng.standard_normal((_DRAWS, len(rows))) * errors
    medians = np.median(drawn, axis=1) + drift * rng.standard_normal(_DRAWS)
    low, high = np.exp(np.percentile(medians, (2.5, 97.5)))
    ratio = float(np.exp(np.median(logs)))
    return {
        "ratio": ratio,
        "ci95": [float(low), float(high)],
        "n": len(rows),
        **{change: sum(row["change"] == change for row in rows) for change in ("fell", "rose")},
        "slower": max(ratio, float(high)) < 1 - tolerance,
    }


def _differences(
    new: Mapping[str, Any], old: Mapping[str, Any], only: tuple[str, ...] | None = None
) -> list[dict[str, Any]]:
    """Every value that differs, with its dotted key: {"what": "host.processor", "before": .., "now": ..}."""
    after, before = (
        dict(_flatten({key: tree[key] for key in (only or tree) if key in tree})) for tree in (new, old)
    )
    return [
        {"what": what, "before": before.get(what), "now": after.get(what)}
        for what in dict.fromkeys((*after, *before))
        if what not in _FLEETING and before.get(what) != after.get(what)
    ]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
