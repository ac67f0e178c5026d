"""The answers of a benchmark, most wanted first: precision, price, what binds, and what to be wary of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlpractice.benchmark.conclusions.cards import compare_with_cards
from dlpractice.benchmark.conclusions.precision_gain import compare_precisions
from dlpractice.benchmark.models.binding import BINDINGS
from dlpractice.benchmark.report.figures_in_words import significant

Document = Mapping[str, Any]
Row = Mapping[str, Any]

_NAMED = 3
"""How many rows a sentence names before it counts the others."""


def find_answers(document: Document) -> list[dict[str, Any]]:
    """What the result says, as a list of {"question", "answer"} and the figures that the answer comes from.

    A question is `precision`, `cards`, `binds` or `warning`; what was not measured is not answered.

    document: what benchmark.json holds.
    """
    models = document["parts"].get("models", {})
    rows = [row for row in models.get("rows", ()) if "binds" in row]  # where it was measured
    found = [*compare_precisions(rows), *_say_what_binds(rows)]
    found += compare_with_cards(rows, document["config"].get("price_per_hour"))
    return [*found, *({"question": "warning", "answer": said} for said in _warn(document))]


def _say_what_binds(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["binds"] is not None:
            groups.setdefault(row["binds"], []).append(row)
    if not groups:
        return
    count = sum(map(len, groups.values()))
    names = [name for name in BINDINGS if name in groups]
    parts = [f"{_WORDS[name]} {len(groups[name])}{_name_lowest(name, groups)}" for name in names]
    yield {
        "question": "binds",
        "answer": f"what binds {count} figures of nets: {'; '.join(parts)}",
        "rows": {name: [row["name"] for row in group] for name, group in groups.items()},
    }


_WORDS = {
    "compute": "arithmetic",
    "memory": "memory",
    "launches": "neither, but the starting of operations,",
    "neither": "neither, but threads, the library or another cause,",
}


def _name_lowest(name: str, groups: Mapping[str, Sequence[Row]]) -> str:
    """The row of a group that is farthest below its roof, where the roof does not bind."""
    if name not in ("launches", "neither"):
        return ""
    row = min(groups[name], key=lambda one: float(one["tflops"] / one["attainable_tflops"]))
    share = row["tflops"] / row["attainable_tflops"]
    return f" (least: {row['name'].removeprefix('models/')} at {share:.0%} of its roof)"


def _warn(document: Document) -> Iterator[str]:
    yield from document.get("steadiness", {}).get("warnings", ())
    for pair in document.get("contradictions", ()):
        yield (
            f"{pair['row']}: {significant(pair['value'])} {pair['unit']} is contradicted by {pair['by']}: "
            f"{significant(pair['other'])} ({pair['why']})"
        )
    if left := document.get("left_out", ()):
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        yield f"left out for lack of time: {', '.join(left[:_NAMED])}{more}; time_limit_seconds gives more"
