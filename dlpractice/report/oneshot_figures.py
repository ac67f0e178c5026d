"""Figures of one-shot learning as PNG files: what the net sees, what it gets wrong, what it makes of classes.

Matplotlib is imported when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dlpractice.printable import drawable_name
from dlpractice.report.figures import MEASURED, PUBLISHED, draw_sheet, place_picture, save, write_above

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Floats = NDArray[np.floating[Any]]

# Okabe and Ito's blue and vermilion once more; the words and the dashes say the same as the colours.
_RIGHT, _WRONG = MEASURED, PUBLISHED
_PAIRS_ACROSS = 6
_SUPPORTS_ACROSS = 10
_FAILURES_PER_PAGE, _MOST_PAGES = 8, 8


class FailedQuery(Protocol):
    """A query (H, H, C) uint8 that was not answered with its class, its supports (W, H, H, C), their scores
    (W,), higher for more alike, and the rows of the true and of the chosen class, -1 where several tied."""

    @property
    def title(self) -> str: ...
    @property
    def query(self) -> Images: ...
    @property
    def supports(self) -> Images: ...
    @property
    def scores(self) -> Floats: ...
    @property
    def true(self) -> int: ...
    @property
    def predicted(self) -> int: ...


def training_pairs_figure(images: Images, same: NDArray[np.bool_], path: Path) -> None:
    """Draw pairs as the net sees them: `images` (2P, S, S, C) uint8, two by two, and `same` (P,)."""
    save(draw_training_pairs(images, same), path)


def draw_training_pairs(images: Images, same: NDArray[np.bool_]) -> Figure:
    """A grid of pairs, each framed and labelled as same or different."""
    across = min(_PAIRS_ACROSS, len(same))
    down = -(-len(same) // across)
    figure, axes = draw_sheet(2.3 * across, 1.4 * down, "Training pairs, as the net sees them")
    for index, is_same in enumerate(same):
        x, y = 2.3 * (index % across), 1.4 * (index // across)
        colour = _RIGHT if is_same else _WRONG
        for place in (0, 1):
            place_picture(axes, images[2 * index + place], x + place, y)
        _frame(axes, x, y, 2, colour)
        axes.text(x + 1, y - 0.06, "same" if is_same else "different", size=8, color=colour, ha="center")
    return figure


def failures_figures(failures: Sequence[FailedQuery], page_path: Callable[[int], Path]) -> list[Path]:
    """Draw failed queries with their supports, eight a page, on up to eight pages, counted from 1.

    Returns the pages; none where nothing failed.
    """
    starts = range(0, len(failures), _FAILURES_PER_PAGE)[:_MOST_PAGES]
    pages = [page_path(number) for number in range(1, len(starts) + 1)]
    for page, start in zip(pages, starts, strict=True):
        save(draw_failures(failures, start, start + _FAILURES_PER_PAGE), page)
    return pages


def draw_failures(failures: Sequence[FailedQuery], start: int, stop: int) -> Figure:
    """The queries from `start` to before `stop`, each at the left of its supports with their scores."""
    total, failures = len(failures), failures[start:stop]
    heights = [1.4 * -(-len(failure.scores) // _SUPPORTS_ACROSS) + 0.5 for failure in failures]
    title = (
        f"Failed queries {start + 1} to {start + len(failures)} of {total:,}: "
        "the true class in a solid frame, the chosen one in a dashed frame"
    )
    figure, axes = draw_sheet(1.6 + 1.15 * _SUPPORTS_ACROSS, sum(heights), title)
    top = 0.0
    for failure, height in zip(failures, heights, strict=True):
        tie = ": undecided" if failure.predicted < 0 else ""
        axes.text(0, top, f"{drawable_name(failure.title)}{tie}", size=8, weight="bold")
        place_picture(axes, failure.query, 0, top + 0.35)
        axes.text(0.5, top + 0.3, "query", size=7, ha="center")
        for index, score in enumerate(failure.scores):
            x, y = 1.6 + 1.15 * (index % _SUPPORTS_ACROSS), top + 0.35 + 1.4 * (index // _SUPPORTS_ACROSS)
            place_picture(axes, failure.supports[index], x, y)
            axes.text(x + 0.5, y - 0.05, f"{score:.3g}", size=7, ha="center")
            if index == failure.true:
                _frame(axes, x, y, 1, _RIGHT)
            elif index == failure.predicted:
                _frame(axes, x, y, 1, _WRONG, "--")
        top += height
    return figure


def _frame(axes: Axes, x: float, y: float, width: float, colour: str, style: str = "-") -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((x, y), width, 1, fill=False, edgecolor=colour, linestyle=style, linewidth=1.8, zorder=3)
    )


def embedding_figure(points: Floats, labels: NDArray[np.int64], names: Sequence[str], path: Path) -> None:
    """Draw the embedding in two dimensions: `points` (N, 2) with their classes, `labels` (N,) in `names`."""
    save(draw_embedding(points, labels, names), path)


def draw_embedding(points: Floats, labels: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """A point for each image; classes differ in colour and, by turns, in marker."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    colours, markers = colormaps["tab10"], "osD^vp"
    figure = Figure(figsize=(8.0, 5.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for code, name in enumerate(names):
        members = points[labels == code]
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=26,
            color=colours(code % 10),
            marker=markers[code % len(markers)],
            edgecolors="white",
            linewidths=0.4,
            label=drawable_name(name),
        )
    axes.set_title("Images of unseen classes in the embedding, drawn in two dimensions (t-SNE)", size=9)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def comparison_figure(document: Mapping[str, Any], path: Path) -> None:
    """Draw comparison.json of `dlp oneshot --compare` as the PNG `path`."""
    save(draw_comparison(document["rows"], document["protocol"]), path)


def draw_comparison(rows: Sequence[Mapping[str, Any]], protocol: str) -> Figure:
    """Each method's accuracy on `protocol` in percent, the best at the top; measured ones with their 95 %
    interval, published ones as hollow diamonds."""
    from matplotlib.figure import Figure

    shown = sorted(
        (row for row in rows if row["results"].get(protocol, {}).get("value") is not None),
        key=lambda row: -row["results"][protocol]["value"],
    )
    figure = Figure(figsize=(7.0, 1.4 + 0.4 * len(shown)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    handles = [*_draw_measured(axes, shown, protocol), *_draw_published(axes, shown, protocol)]
    axes.set_yticks(range(len(shown)), [drawable_name(row["method"]) for row in shown])
    axes.set_ylim(len(shown) - 0.5, -0.7)
    axes.set_xlabel(f"{protocol}, accuracy in %")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw_measured(axes: Axes, rows: Sequence[Mapping[str, Any]], protocol: str) -> list[Any]:
    places, measures, values = _write_values(axes, rows, protocol, "measured")
    if not places:
        return []
    ends = [[100 * end for end in measure["ci95"]] for measure in measures]
    errors = [
        [value - low for value, (low, _) in zip(values, ends, strict=True)],
        [high - value for value, (_, high) in zip(values, ends, strict=True)],
    ]
    asked = sorted({measure["n"] for measure in measures})
    n = f"{asked[0]:,}" if len(asked) == 1 else f"{asked[0]:,} to {asked[-1]:,}"
    label = f"measured here (n = {n}), 95 % interval"
    return [axes.errorbar(values, places, xerr=errors, fmt="o", color=MEASURED, capsize=4, label=label)]


def _draw_published(axes: Axes, rows: Sequence[Mapping[str, Any]], protocol: str) -> list[Any]:
    places, _, values = _write_values(axes, rows, protocol, "published")
    if not places:
        return []
    return axes.plot(values, places, "D", markerfacecolor="none", color=PUBLISHED, label="published")


def _write_values(
    axes: Axes, rows: Sequence[Mapping[str, Any]], protocol: str, kind: str
) -> tuple[list[int], list[Mapping[str, Any]], list[float]]:
    """The places, results and percentages of the rows of one kind, which are written above their points."""
    places = [place for place, row in enumerate(rows) if row["kind"] == kind]
    measures = [rows[place]["results"][protocol] for place in places]
    values = [100 * measure["value"] for measure in measures]
    for place, value in zip(places, values, strict=True):
        write_above(axes, f"{value:.1f}", value, place)
    return places, measures, values
