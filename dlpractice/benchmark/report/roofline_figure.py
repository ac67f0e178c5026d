"""The roofline figure (Williams, Waterman and Patterson 2009): measured ceilings, and where each net lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.report.figures import PRECISION_STYLES, plain_numbers, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

_COLOURS = {precision: colour for precision, (colour, _) in PRECISION_STYLES.items()}
_MARKERS = {"inference": "o", "training": "s"}
# In points: half a marker; the width and height of a digit, at a font size of 7.
_MARKER, _DIGIT, _HEIGHT = 3.0, 5.0, 7.5
_Box = tuple[float, float, float, float]


def roofline_figure(part: Mapping[str, Any], path: Path) -> None:
    """Draw the document of the part `models` as the PNG `path`, which is written whole or not at all."""
    save(draw_roofline(part), path)


def draw_roofline(part: Mapping[str, Any]) -> Figure:
    """TFLOP/s over operations a byte, both logarithmic. Points are numbered, and named beside the axes.

    Ceilings are drawn for the arithmetic in which a net was measured. Without measured memory there are no
    roofs.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    rows = [row for row in part["rows"] if row["value"] is not None]
    precisions = dict.fromkeys(row["arithmetic"] for row in rows)
    low, high = _limits(rows, [part["roof"]["ridge"].get(precision) for precision in precisions])
    for precision in precisions:
        _draw_roof(axes, part["roof"], precision, low, high)
    for number, row in enumerate(rows, 1):
        axes.plot(
            row["intensity"],
            row["tflops"],
            _MARKERS[row["work"]],
            color=_COLOURS[row["arithmetic"]],
            markersize=5,
            label=f"{number}  {row['net']}, {row['work']}, {row['precision']}, batch {row['batch']}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    axes.set_xlim(low, high)
    axes.set_xlabel("operations a byte")
    axes.set_ylabel("TFLOP/s")
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.has_data():
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    # Done last: what stands beside the axes decides how far apart the points lie.
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
    """Writes a number beside each point: right or left of it, above or below.

    Where points crowd, the number stands farther away and a line joins it to its point.
    """
    axes.figure.draw_without_rendering()
    points = [(row["intensity"], row["tflops"]) for row in rows]
    places = [axes.transData.transform(point) * 72 / axes.figure.dpi for point in points]
    taken = [(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER) for x, y in places]
    for number, (point, (x, y)) in enumerate(zip(points, places, strict=True), 1):
        width = _DIGIT * len(str(number))
        near = [(x + dx, y + dy) for dy in (-3, 2, -8) for dx in (_MARKER + 1, -_MARKER - 1 - width)]
        far = [(x + 6, y + dy) for step in range(4, 200, 2) for dy in (step, -step)]
        boxes = [(left, low, left + width, low + _HEIGHT) for left, low in near + far]
        box = next((box for box in boxes if not any(_meet(box, other) for other in taken)), boxes[0])
        taken.append(box)
        line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            str(number),
            point,
            xytext=(box[0] - x, box[1] - y),
            textcoords="offset points",
            fontsize=7,
            arrowprops=line if box in boxes[len(near) :] else None,
        )


def _meet(first: _Box, second: _Box) -> bool:
    """Whether two boxes (left, low, right, high) overlap."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _limits(rows: Sequence[Row], ridges: Sequence[float | None]) -> tuple[float, float]:
    """The range of the axis, in operations a byte, that holds all points and ridges."""
    seen = [row["intensity"] for row in rows] + [ridge for ridge in ridges if ridge is not None]
    return (min(seen) / 3, max(seen) * 3) if seen else (1.0, 100.0)
