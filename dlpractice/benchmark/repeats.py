"""Figures that were measured twice in one run, or that bound each other: whether they agree.

The intervals of a run say how sure each figure is. Where a second measurement of the same thing lies outside
of both intervals, something happened that neither saw, and both figures are marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = dict[str, Any]
Row = dict[str, Any]
Pair = tuple[Row, Row]


def mark_contradictions(measured: Mapping[str, Document]) -> list[Document]:
    """Gives rows that another row of the same run contradicts the field `contradicted_by`, its name.

    measured: the documents of the parts that have run, by the part's name.

    Returns a list of {"row", "value", "by", "other", "unit", "why"}.
    """
    rows = {name: _with_intervals(part) for name, part in measured.items()}
    peaks, models = rows.get("peaks", []), rows.get("models", [])
    found = [
        (pair, "measured again, in a process of its own")
        for pair in _same_nets(models, rows.get("backends", []))
        if _apart(*pair) or _apart(*reversed(pair))
    ]
    found += [
        ((burst, sustained), "a pause only helps, so that the run without one cannot be faster")
        for burst, sustained in _bursts(peaks)
        if sustained["ci95"][0] > burst["ci95"][1]
    ]
    found += [
        ((peak, net), "a net does more than the fastest product")
        for peak, net in _peaks_of_nets(peaks, models)
        if net["tflops"] * net["ci95"][0] / net["value"] > peak["ci95"][1]
    ]
    for (row, other), _ in found:
        row["contradicted_by"] = other["name"]
    return [_describe(*pair, why) for pair, why in found]


def _with_intervals(part: Document) -> list[Row]:
    return [row for row in part["rows"] if row.get("value") and row.get("ci95")]


def _apart(row: Row, other: Row) -> bool:
    """Whether the interval of `row` does not hold the value of `other`."""
    low, high = row["ci95"]
    return not low <= other["value"] <= high


def _same_nets(models: list[Row], backends: list[Row]) -> Iterator[Pair]:
    """The rows of `models` that `backends` measured too, on the same backend, compiled the same way."""

    def kind(row: Row) -> tuple[Any, ...]:
        return tuple(row.get(key) for key in ("net", "work", "precision", "batch", "how"))

    again = {kind(row): row for row in backends}
    for row in models:
        if kind(row) in again:
            yield row, again[kind(row)]
            yield again[kind(row)], row


def _bursts(peaks: list[Row]) -> Iterator[Pair]:
    """Each sustained product with the short one of the same size."""
    products = [row for row in peaks if row["measure"] == "matmul"]
    short = {(row["precision"], row["size"]): row for row in products if not row["sustained"]}
    for row in products:
        if row["sustained"] and (row["precision"], row["size"]) in short:
            yield short[row["precision"], row["size"]], row


def _peaks_of_nets(peaks: list[Row], models: list[Row]) -> Iterator[Pair]:
    """Each net with the fastest product in the arithmetic that it computes in."""
    products = [row for row in peaks if row["measure"] == "matmul"]
    # The fastest of each precision comes last, and stays.
    fastest = {row["precision"]: row for row in sorted(products, key=lambda row: float(row["value"]))}
    for net in models:
        if (peak := fastest.get(str(net.get("arithmetic") or net["precision"]))) is not None:
            yield peak, net


def _describe(row: Row, other: Row, why: str) -> Document:
    return {
        "row": row["name"],
        "value": row["value"],
        "by": other["name"],
        "other": other["value"],
        "unit": row["unit"],
        "why": why,
    }
