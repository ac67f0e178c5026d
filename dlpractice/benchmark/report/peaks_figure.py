"""The figure of a device's peaks, as a PNG file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.report.figures import PRECISION_STYLES, plain_numbers, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def peaks_figure(part: Mapping[str, Any], path: Path) -> None:
    """Draw the document of the part `peaks` as the PNG `path`, which is written whole or not at all."""
    save(draw_peaks(part), path)


def draw_peaks(part: Mapping[str, Any]) -> Figure:
    """TFLOP/s of multiplying matrices over their size, one curve for each precision.

    Curves have 95 % intervals. What the maker publishes is dashed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for precision, (colour, marker) in PRECISION_STYLES.items():
        rows = [
            row
            for row in part["rows"]
            if row["measure"] == "matmul" and row["precision"] == precision
            if row["value"] and not row["sustained"]
        ]
        if not rows:
            continue
        values = [row["value"] for row in rows]
        low, high = zip(*(row["ci95"] for row in rows), strict=True)
        errors = [
            [max(0.0, value - end) for value, end in zip(values, low, strict=True)],
            [max(0.0, end - value) for value, end in zip(values, high, strict=True)],
        ]
        sizes = [row["size"] for row in rows]
        axes.errorbar(sizes, values, errors, color=colour, marker=marker, capsize=3, label=precision)
        if published := (part.get("vendor") or {"tflops": {}})["tflops"].get(precision):
            axes.axhline(published, color=colour, linestyle="--", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    plain_numbers(axes.yaxis)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("rows and columns of the matrices")
    axes.set_ylabel("TFLOP/s")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.has_data():
        axes.legend(frameon=False, fontsize=8)
    return figure
