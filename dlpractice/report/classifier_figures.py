"""Figures of a classifier's answers, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlpractice.report.figures import MEASURED, PUBLISHED, draw_sheet, place_picture, save, show_name
from dlpractice.report.number_format import interval, percent

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Document = Mapping[str, Any]

_MOST_CLASSES = 30
"""Rows and columns up to which a confusion matrix can be read; above, classes that are told well are one."""
_LONGEST_NAME = 24
_ACROSS = 6
_WIDTH, _HEIGHT, _SIDE = 1.5, 1.95, 1.3


@dataclass(frozen=True)
class Curve:
    """Bins of answers and their calibration error, as `summary.json` has them; `name`: of the confidence."""

    name: str
    bins: Sequence[Document]
    error: Document
    colour: str
    marker: str


def reliability_figure(calibration: Document, path: Path) -> None:
    """Draws `calibration` of summary.json as the PNG `path`: without and with the temperature."""
    fitted = f"at temperature {calibration['temperature']:.2f}, fitted to other images"
    curves = [
        Curve("softmax", calibration["bins_before"], calibration["error_before"], PUBLISHED, "s"),
        Curve(fitted, calibration["bins_after"], calibration["error_after"], MEASURED, "o"),
    ]
    save(draw_reliability(curves, "validation images, which chose the epoch too"), path)


def evaluation_figure(calibration: Document, path: Path) -> None:
    """Draws `calibration` of what `dlp evaluate` found as the PNG `path`."""
    temperature = calibration["temperature"]
    name = (
        "softmax" if temperature is None else f"at temperature {temperature:.2f}, fitted to validation images"
    )
    curve = Curve(name, calibration["bins"], calibration["error"], MEASURED, "o")
    save(draw_reliability([curve], "images"), path)


def draw_reliability(curves: Sequence[Curve], images: str) -> Figure:
    """The share of right answers over the confidence of each bin. images: what they are, in words."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 5.4), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1, linestyle="--")
    n = curves[0].error["n"]
    for one in curves:
        label = f"{one.name}; calibration error {percent(one.error['value'])} ({interval(one.error)}) %"
        sizes = [12 + 200 * part["n"] / n for part in one.bins]
        sure, right = ([100 * part[name] for part in one.bins] for name in ("confidence", "accuracy"))
        axes.plot(sure, right, color=one.colour, linewidth=1)
        axes.scatter(sure, right, s=sizes, color=one.colour, marker=one.marker, label=label, alpha=0.8)
    axes.set(xlabel="confidence, %", ylabel="right answers, %", xlim=(0, 102), ylim=(-2, 102))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    title = f"{n:,} {images}; larger marks hold more"
    figure.legend(loc="outside upper left", frameon=False, fontsize=7, title=title, title_fontsize=7)
    return figure


def confusion_figure(document: Document, path: Path) -> None:
    """Draws what is taken for what as the PNG `path`."""
    save(draw_confusion(document["confusion"], document["class_names"]), path)


def draw_confusion(confusion: Sequence[Sequence[int]], class_names: Sequence[str]) -> Figure:
    """Counts of images, (K, K): a row for each true class, darker for a larger share of the row.

    Of many classes those that are most often confused have rows and columns, and the others share the last.
    """
    from matplotlib.figure import Figure

    counts, names = _gather_others(confusion, [_shorten(name) for name in class_names])
    side = len(names)
    inches = max(3.0, 0.32 * side)
    figure = Figure(figsize=(inches + 2.2, inches + 2.0), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _write_counts(axes, counts, shares)
    axes.set_xticks(range(side), names, rotation=0 if side <= 4 else 90, size=8)
    axes.set_yticks(range(side), names, size=8)
    axes.set(xlabel="taken for", ylabel="true class")
    axes.set_title(f"{int(counts.sum()):,} images; darker: a larger share of the row", size=8)
    return figure


def _gather_others(
    confusion: Sequence[Sequence[int]], names: list[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """The counts and names of all classes, or of those most often confused and of all the others together."""
    import numpy as np

    counts = np.asarray(confusion, np.int64)
    if len(names) <= _MOST_CLASSES:
        return counts, names
    wrong = counts - np.diag(counts.diagonal())
    mistaken = wrong.sum(axis=0) + wrong.sum(axis=1)
    chosen = np.sort(np.argsort(-mistaken, kind="stable")[: _MOST_CLASSES - 1])
    place = np.full(len(names), len(chosen))
    place[chosen] = np.arange(len(chosen))
    gathered = np.zeros((_MOST_CLASSES, _MOST_CLASSES), np.int64)
    np.add.at(gathered, (place[:, None], place[None, :]), counts)
    return gathered, [*(names[number] for number in chosen), f"{len(names) - len(chosen):,} others"]


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """Writes the counts into their cells; those of none are left out where there are many."""
    size = 9 if len(counts) <= 12 else 6
    for row, cells in enumerate(counts.tolist()):
        for column, count in enumerate(cells):
            if count or len(counts) <= 12:
                colour = "white" if shares[row, column] > 0.5 else "0.2"
                axes.text(column, row, f"{count:,}", size=size, color=colour, ha="center", va="center")


def mistakes_figure(mistakes: Sequence[Document], pictures: NDArray[np.uint8], path: Path) -> None:
    """Draws the surest mistakes as the PNG `path`."""
    save(draw_mistakes(mistakes, pictures), path)


def draw_mistakes(mistakes: Sequence[Document], pictures: NDArray[np.uint8]) -> Figure:
    """Pictures (n, S, S, 3) of the first `mistakes`, with class, answer, confidence and name."""
    across = max(3, min(_ACROSS, len(pictures)))
    down = -(-len(pictures) // across)
    title = f"The {len(pictures)} surest of {len(mistakes):,} wrong answers, as the net sees the images"
    figure, axes = draw_sheet(_WIDTH * across, _HEIGHT * down + 0.1, title)
    for number, (row, picture) in enumerate(zip(mistakes, pictures, strict=False)):
        x, y = _WIDTH * (number % across), _HEIGHT * (number // across) + 0.3
        place_picture(axes, picture, x, y, _SIDE)
        file = _shorten(row["path"].rpartition("/")[2])
        answer = f"{_shorten(row['predicted'], 14)} {percent(row['confidence'])} %"
        axes.text(x, y - 0.04, f"{_shorten(row['label'], 18)}:\n{answer}", size=6.5, va="bottom")
        axes.text(x, y + _SIDE + 0.03, file, size=5, color="0.4", va="top")
    return figure


def _shorten(name: str, longest: int = _LONGEST_NAME) -> str:
    shown = name if len(name) <= longest else f"{name[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
    return show_name(shown)
