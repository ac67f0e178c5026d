"""What limits a net: arithmetic, memory, the starting of operations, or none of these.

The roofline says which of arithmetic and memory would limit an ideal program. A net that reaches a small part
of its roof is limited by neither: it waits for something that the roof does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlpractice.benchmark.models.roofline import Roof

Row = Mapping[str, Any]

NEAR_THE_ROOF = 1 / 3
"""The least share of what the roof allows at which arithmetic or memory is said to bind."""

_MOSTLY = 0.5

BINDINGS = {
    "compute": "faster arithmetic or a lower precision would help",
    "memory": "faster memory, or a larger batch, which uses each weight more often, would help",
    "launches": "less than a third of the roof, and most of a call takes the same time whatever the batch: "
    "operations are started one by one; a larger batch or XLA would help",
    "neither": "less than a third of the roof, and not for the starting of operations: too few threads, "
    "or operations that the library does badly; the input is no part of these figures",
}
"""What `binds` can be, and what that means."""


def find_binding(row: Row, rows: Sequence[Row], roof: Roof) -> str | None:
    """What binds a measured row, a key of `BINDINGS`; None where the peaks are not known.

    row: with `tflops`, `intensity` and `arithmetic`.
    rows: those of the same part, among which are the same net's with other batches.
    """
    attainable = roof.attainable(row["arithmetic"], row["intensity"])
    if attainable is None or row["tflops"] >= NEAR_THE_ROOF * attainable:
        return roof.binds(row["arithmetic"], row["intensity"])
    fixed = fixed_seconds(row, rows)
    seconds = row["batch"] / row["value"]
    return "launches" if fixed is not None and fixed >= _MOSTLY * seconds else "neither"


def fixed_seconds(row: Row, rows: Sequence[Row]) -> float | None:
    """The part of a call's time that does not grow with the batch, by the line through two batch sizes.

    They are the row's and the one nearest to it, as a ratio, of the same net. None where there is none.
    """
    same = [other for other in rows if other["value"] and _kind(other) == _kind(row)]
    others = [other for other in same if other["batch"] != row["batch"]]
    if not others:
        return None
    nearest = min(others, key=lambda other: _distance(row["batch"], other["batch"]))
    calls = sorted((one["batch"], one["batch"] / one["value"]) for one in (row, nearest))
    (small, short), (large, long) = calls
    return float(max(0.0, short - small * (long - short) / (large - small)))


def _distance(batch: int, other: int) -> tuple[float, bool]:
    """How far two batch sizes are apart; of two that are as far, the larger comes first."""
    return abs(math.log(other / batch)), other < batch


def _kind(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(key) for key in ("net", "work", "precision", "compiler"))
