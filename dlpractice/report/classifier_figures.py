"""Figures of a classifier's answers, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.report.figures import MEASURED, PUBLISHED, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Document = Mapping[str, Any]


def reliability_figure(calibration: Document, path: Path) -> None:
    """Draws `calibration` of summary.json as the PNG `path`."""
    save(draw_reliability(calibration), path)


def draw_reliability(calibration: Document) -> Figure:
    """The share of right answers over the confidence of each bin, without and with the temperature."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 5.4), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1, linestyle="--")
    temperature = calibration["temperature"]
    for when, label, colour, marker in (
        ("before", "softmax", PUBLISHED, "s"),
        ("after", f"at temperature {temperature:.2f}, fitted to other images", MEASURED, "o"),
    ):
        bins, error = calibration[f"bins_{when}"], calibration[f"error_{when}"]
        label += f"; calibration error {_percent(error['value'])} ({_interval(error['ci95'])}) %"
        sizes = [12 + 200 * one["n"] / calibration["n"] for one in bins]
        sure, right = ([100 * one[name] for one in bins] for name in ("confidence", "accuracy"))
        axes.plot(sure, right, color=colour, linewidth=1)
        axes.scatter(sure, right, s=sizes, color=colour, marker=marker, label=label, alpha=0.8)
    axes.set(xlabel="confidence, %", ylabel="right answers, %", xlim=(0, 102), ylim=(-2, 102))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    title = f"{calibration['n']:,} validation images, which chose the epoch too; larger marks hold more"
    figure.legend(loc="outside upper left", frameon=False, fontsize=7, title=title, title_fontsize=7)
    return figure


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(bounds: Sequence[float]) -> str:
    return f"{_percent(bounds[0])}-{_percent(bounds[1])}"
