"""Figures as PNG files. Matplotlib is imported when one is drawn: it takes longer than most commands do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlpractice.runs.files import replacing

# Two colours of Okabe and Ito's palette, which the colour-blind can tell apart; the markers differ too.
_MEASURED, _PUBLISHED = "#0072B2", "#D55E00"


def comparison_figure(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the rows of comparison.json: each strategy's test accuracy with its 95 % interval, in percent.

    Figures that were published elsewhere are hollow diamonds. The strategies keep their order, from the top.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.4 + 0.45 * len(rows)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    positions = range(len(rows))
    values = [_percent(row["test_accuracy"]["value"]) for row in rows]
    bounds = [[_percent(end) for end in row["test_accuracy"]["ci95"]] for row in rows]
    errors = [
        [value - low for value, (low, _) in zip(values, bounds, strict=True)],
        [high - value for value, (_, high) in zip(values, bounds, strict=True)],
    ]
    label = f"measured here (n = {rows[0]['test_accuracy']['n']:,}), 95 % interval"
    axes.errorbar(values, positions, xerr=errors, fmt="o", color=_MEASURED, capsize=4, label=label)
    for position, value in zip(positions, values, strict=True):
        axes.annotate(
            f"{value:.1f}", (value, position), (0, 7), textcoords="offset points", ha="center", size=8
        )
    if published := [(index, row["published"]) for index, row in enumerate(rows) if row.get("published")]:
        axes.plot(
            [_percent(figure_["value"]) for _, figure_ in published],
            [index for index, _ in published],
            marker="D",
            linestyle="none",
            markerfacecolor="none",
            color=_PUBLISHED,
            label="published",
        )
    axes.set_yticks(positions, [row["strategy"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlabel("test accuracy, %")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share
