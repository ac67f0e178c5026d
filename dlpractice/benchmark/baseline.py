"""Compares a benchmark with an earlier one: each figure with its counterpart, and all figures together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.benchmark.device.timing import resampled_medians

Row = Mapping[str, Any]
Key = tuple[str, str]

# With fewer repetitions on either side, the interval is too uncertain for a verdict.
_LEAST_REPETITIONS = 5

# These change from minute to minute and say nothing about which machine it is.
_FLEETING = ("host.load_average", "host.clock_mhz")
_ENVIRONMENT = ("host", "backend", "devices", "gpus", "versions", "threads", "governor", "precision")


def compare_with_baseline(
    document: Mapping[str, Any], baseline: Mapping[str, Any], tolerance: float
) -> dict[str, Any]:
    """Pairs the measured rows of two benchmarks by name and unit.

    A ratio is the new value over the old one, turned over where lower is better: above 1 is faster. Its
    interval is the percentile bootstrap over the repetitions of both. A row is `slower` where both the ratio
    and its interval, widened to hold for all rows at once (Bonferroni), lie below 1 - tolerance. All rows
    together are slower where the geometric mean of the ratios and its interval do; for that interval, rows
    are resampled too.

    The repetitions of one benchmark share a process. What differs from one process to the next is therefore
    not in the intervals, and the tolerance has to allow for it.

    Args:
        document, baseline: what benchmark.json holds, now and before.
        tolerance: the share, in [0, 1), of the speed that may be lost.

    Returns: rows (name, unit, before, now, ratio, ci95, slower), overall, the names of rows that are on one
    side only or have no value, and what differs between the environments and between the configs.
    """
    new, old = _measured_rows(document), _measured_rows(baseline)
    rng = np.random.default_rng(document["config"]["seed"])
    names = [key for key in new if key in old]
    draws = [_draw_log_ratios(new[key], old[key], rng) for key in names]
    share = 0.05 / max(1, len(names))
    rows = [
        _compare_row(new[key], old[key], drawn, share, tolerance)
        for key, drawn in zip(names, draws, strict=True)
    ]
    overall = _overall(draws, [row["ratio"] for row in rows], rng, tolerance)
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


def _draw_log_ratios(new: Row, old: Row, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2000,): log ratios of medians of resampled repetitions; above 0 is faster."""
    medians = [resampled_medians(row.get("samples") or [row["value"]], rng) for row in (new, old)]
    return _sign(new) * np.log(medians[0] / medians[1])


def _sign(row: Row) -> int:
    return -1 if row.get("lower_is_better") else 1


def _compare_row(
    new: Row, old: Row, drawn: NDArray[np.float64], share: float, tolerance: float
) -> dict[str, Any]:
    ratio = float((new["value"] / old["value"]) ** _sign(new))
    n = min(len(row.get("samples") or [row["value"]]) for row in (new, old))
    known = n >= _LEAST_REPETITIONS
    low, high, widest = np.exp(np.percentile(drawn, (2.5, 97.5, 100 * (1 - share / 2))))
    return {
        "name": new["name"],
        "unit": new.get("unit", ""),
        "before": old["value"],
        "now": new["value"],
        "ratio": ratio,
        "ci95": [float(low), float(high)] if known else None,
        "n": n,
        "slower": known and max(ratio, float(widest)) < 1 - tolerance,
    }


def _overall(
    draws: list[NDArray[np.float64]], ratios: list[float], rng: np.random.Generator, tolerance: float
) -> dict[str, Any] | None:
    """The geometric mean of the ratios and its interval; None where no rows could be paired."""
    if not draws:
        return None
    logs = np.stack(draws)
    chosen = rng.integers(len(logs), size=logs.shape)
    means = np.take_along_axis(logs, chosen, axis=0).mean(axis=0)
    low, high = np.exp(np.percentile(means, (2.5, 97.5)))
    ratio = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return {
        "ratio": ratio,
        "ci95": [float(low), float(high)],
        "n": len(ratios),
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
