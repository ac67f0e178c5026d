"""The table of a comparison with a baseline, in 80 columns. Computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.benchmark.report.figures_in_words import significant
from dlpractice.report.number_format import NOTHING
from dlpractice.report.result_tables import plain_table

Document = Mapping[str, Any]


def baseline_table(comparison: Document) -> RenderableType:
    """Each figure before and now, all of them together, and what else differs between the two."""
    table = plain_table(["figure"], ["before", "now", "unit", "ratio", "95 %", ""], gap=1)
    for row in comparison["rows"]:
        table.add_row(
            Text(row["name"]),
            significant(row["before"]),
            significant(row["now"]),
            row["unit"],
            f"{row['ratio']:.3f}",
            _ratio_interval(row["ci95"]),
            "slower" if row["slower"] else _changed(row),
            style="red" if row["slower"] else None,
        )
    return Group(table, "", Text("\n".join(_comparison_lines(comparison))))


def _changed(row: Document) -> str:
    """What became of a figure that is not slower by more than is allowed: `fell` or `rose`, or nothing."""
    return str(row["change"]) if row["change"] in ("fell", "rose") else ""


def _comparison_lines(comparison: Document) -> Iterator[str]:
    overall, tolerance = comparison["overall"], comparison["tolerance"]
    if overall is None:
        yield "no figure has a counterpart in the baseline"
    else:
        verdict = "slower" if comparison["slower"] else "not slower"
        yield (
            f"median of the ratios: {overall['ratio']:.3f} ({_ratio_interval(overall['ci95'])}); "
            f"{verdict} by more than {tolerance:.0%}"
        )
        fell, rose = overall["fell"], overall["rose"]
        yield f"of {overall['n']} figures {fell} fell and {rose} rose beyond their noise"
    for side, text in (("only_now", "not in the baseline"), ("only_before", "only in the baseline")):
        if comparison[side]:
            yield f"{text}: {', '.join(sorted(comparison[side]))}"
    for what in ("environment", "config"):
        for change in comparison[what]:
            yield f"{what} differs: {change['what']} was {change['before']}, is {change['now']}"


def _ratio_interval(interval: Sequence[float] | None) -> str:
    return NOTHING if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}"
