"""The roofline figure (Williams, Waterman and Patterson 2009): measured ceilings, and where each net lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.report.figures import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

# Okabe and Ito's palette, which the colour-blind can tell apart.
_COLOURS = {
    "float64": "#000000",
    "float32": "#0072B2",
    "tf32": "#009E73",
    "float16": "#D55E00",
    "bfloat16": "#CC79A7",
}
_MARKERS = {"inference": "o", "training": "s"}


def roofline_figure(part: Mapping[str, Any], path: Path) -> None:
    """Draw the document of the part `models` as the PNG `path`, which is written whole or not at all."""
    save(draw_roofline(part), path)


def draw_roofline(part: Mapping[str, Any]) -> Figure:
    """TFLOP/s over operations a byte, both logarithmic; the points are numbered, and named beside the axes.

    Ceilings are drawn for precisions that a net was measured in. Without measured memory there are no roofs.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    rows = [row for row in part["rows"] if row["value"] is not None]
    precisions = dict.fromkeys(_precision(row) for row in rows)
    low, high = _limits(rows, part["roof"])
    for precision in precisions:
        _draw_roof(axes, part["roof"], precision, low, high)
    for number, row in enumerate(rows, 1):
        _, net, kind, precision, batch = row["name"].split("/")
        axes.plot(
            row["intensity"],
            row["tflops"],
            _MARKERS[kind],
            color=_COLOURS[precision],
            markersize=5,
            label=f"{number}  {net}, {kind}, {precision}, batch {batch}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_xlabel("operations a byte")
    axes.set_ylabel("TFLOP/s")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.has_data():
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    # Last: what stands beside the axes decides how far apart the points come to lie.
    _number_points(axes, rows)
    return figure


def _draw_roof(axes: Any, roof: Mapping[str, Any], precision: str, low: float, high: float) -> None:
    peak, ridge = roof["tflops"].get(precision), roof["ridge"].get(precision)
    if ridge is None:
        return
    start = min(low, ridge / 2)
    axes.plot(
        [start, ridge, max(high, 2 * ridge)],
        [start * roof["memory_gb_s"] / 1000, peak, peak],
        color=_COLOURS[precision],
        linewidth=1.2,
        label=f"roof, {precision}: {peak:.3g} TFLOP/s, ridge at {ridge:.3g}",
    )
    axes.plot([ridge], [peak], "x", color=_COLOURS[precision], markersize=6)


def _number_points(axes: Any, rows: Sequence[Row]) -> None:
    """A number beside each point; where points crowd, numbers stand on top of one another, with a line."""
    axes.figure.draw_without_rendering()
    points = [(row["intensity"], row["tflops"]) for row in rows]
    taken: list[tuple[float, float]] = []
    for index in sorted(range(len(rows)), key=lambda index: points[index][1]):
        x, y = axes.transData.transform(points[index])
        lift = 8
        # Pixels of the figure: a number of two digits is less than 26 by 20 of them.
        while any(abs(x - other_x) < 26 and abs(y + lift - other_y) < 20 for other_x, other_y in taken):
            lift += 4
        taken.append((x, y + lift))
        axes.annotate(
            str(index + 1),
            points[index],
            xytext=(12, lift),
            textcoords="offset pixels",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0},
        )


def _precision(row: Row) -> str:
    return str(row["name"].split("/")[3])


def _limits(rows: Sequence[Row], roof: Mapping[str, Any]) -> tuple[float, float]:
    """Operations a byte that take in every point and ridge."""
    seen = [row["intensity"] for row in rows]
    seen += [ridge for ridge in roof["ridge"].values() if ridge is not None]
    return (min(seen) / 3, max(seen) * 3) if seen else (1.0, 100.0)
