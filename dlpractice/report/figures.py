"""Figures as PNG files. Matplotlib is imported when one is drawn: it takes longer than most commands do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.printable import drawable_name, printable_name
from dlpractice.whole_files import replacing

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

# Two colours of Okabe and Ito's palette, which the colour-blind can tell apart; the markers differ too.
MEASURED, PUBLISHED = "#0072B2", "#D55E00"

_INCHES = 0.8
"""Of an image on a sheet and the space around it."""

PRECISION_STYLES = {
    "float64": ("#000000", "s"),
    "float32": ("#0072B2", "o"),
    "tf32": ("#009E73", "^"),
    "float16": ("#D55E00", "v"),
    "bfloat16": ("#CC79A7", "D"),
}
"""Colour and marker of each precision, from the same palette."""


def comparison_figure(document: Mapping[str, Any], path: Path) -> None:
    """Draw the rows of comparison.json as the PNG `path`, which is written whole or not at all."""
    save(draw_comparison(document["rows"]), path)


def range_figure(rows: Sequence[Mapping[str, Any]], chosen: float, path: Path) -> None:
    """Draw the rows of learning-rate.csv, and the rate that was chosen, as the PNG `path`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    seen = [row for row in rows if row["loss"] is not None and row["smoothed"] is not None]
    rates = [row["rate"] for row in seen]
    axes.plot(rates, [row["loss"] for row in seen], ".", color="0.7", label="loss of a batch")
    axes.plot(rates, [row["smoothed"] for row in seen], color=MEASURED, label="smoothed")
    axes.axvline(chosen, color=PUBLISHED, linestyle="--", label=f"chosen: {chosen:.2g}")
    axes.set_xscale("log")
    if seen:
        low, first = min(row["smoothed"] for row in seen), seen[0]["smoothed"]
        axes.set_ylim(low - 0.1 * (first - low) - 0.05, first + 0.4 * (first - low) + 0.05)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss, nats")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as the PNG `path`, whole or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def plain_numbers(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 0.2, 0.5, 1 and so on, written so rather than as powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_comparison(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Each strategy's test accuracy with its 95 % interval, in percent, in the order of `rows` from the top.

    Figures that were published elsewhere are hollow diamonds.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.4 + 0.45 * len(rows)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    handles = [_draw_measured(axes, rows), *_draw_published(axes, rows)]
    axes.set_yticks(range(len(rows)), [drawable_name(row["strategy"]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlabel("test accuracy, %")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw_measured(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> ErrorbarContainer:
    values = [_percent(row["test_accuracy"]["value"]) for row in rows]
    bounds = [[_percent(end) for end in row["test_accuracy"]["ci95"]] for row in rows]
    errors = [
        [value - low for value, (low, _) in zip(values, bounds, strict=True)],
        [high - value for value, (_, high) in zip(values, bounds, strict=True)],
    ]
    for position, value in enumerate(values):
        write_above(axes, f"{value:.1f}", value, position)
    label = f"measured here (n = {rows[0]['test_accuracy']['n']:,}), 95 % interval"
    return axes.errorbar(
        values, range(len(rows)), xerr=errors, fmt="o", color=MEASURED, capsize=4, label=label
    )


def _draw_published(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> list[Line2D]:
    published = {index: row["published"] for index, row in enumerate(rows) if row.get("published")}
    if not published:
        return []
    values = [_percent(entry["value"]) for entry in published.values()]
    for (position, entry), value in zip(published.items(), values, strict=True):
        write_above(axes, entry.get("text") or f"{value:.1f}", value, position)
    return axes.plot(
        values,
        list(published),
        marker="D",
        linestyle="none",
        markerfacecolor="none",
        color=PUBLISHED,
        label="published",
    )


def write_above(axes: Axes, text: str, value: float, position: int) -> None:
    """Write `text` above the point at (value, position)."""
    axes.annotate(text, (value, position), (0, 7), textcoords="offset points", ha="center", size=8)


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


def draw_sheet(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure of `width` by `height` images, and axes in that unit with their origin at the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INCHES * (width + 0.4), _INCHES * (height + 0.9)), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.2, width + 0.2), ylim=(height, -0.9))
    axes.set_axis_off()
    axes.text(0, -0.55, title, size=9)
    return figure, axes


def place_picture(axes: Axes, image: NDArray[np.uint8], x: float, y: float, side: float = 1) -> None:
    """Draw `image` (H, H, C) as a square whose top left corner is at (x, y)."""
    extent = (x, x + side, y + side, y)
    shown = image[..., 0] if image.shape[-1] == 1 else image
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto")


def show_name(name: str) -> str:
    r"""A name of the user's as text of a figure: one line, no formula, what the font lacks as `\u732b`."""
    known = _list_glyphs()
    shown = (
        letter if ord(letter) in known else letter.encode("unicode_escape").decode()
        for letter in printable_name(name)
    )
    return drawable_name("".join(shown))


@cache
def _list_glyphs() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())
