"""What `auto` measured and chose: tables for the terminal, and a figure of accuracy by depth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.printable import drawable_name
from dlpractice.report.figures import save
from dlpractice.report.number_format import NOTHING, interval, percent, points, points_interval
from dlpractice.report.result_tables import plain_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Document = Mapping[str, Any]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which the colour-blind can tell apart; the markers differ too."""
_MARKERS = "osD^vPX"


def choice_table(choice: Document) -> RenderableType:
    """The evidence of choice.json: how well each block is read, how the candidates did, and the reason."""
    parts: list[RenderableType] = []
    if choice["backbones"]:
        parts += [_depth_table(choice), ""]
    if choice.get("candidates"):
        parts += [_candidates_table(choice), ""]
    notes = [f"{name} was not probed: {reason}" for name, reason in choice.get("left_out", {}).items()]
    return Group(
        *parts, *(Text(note, style="dim") for note in notes), Text(f"chosen: {choice['reason']}"), ""
    )


def _depth_table(choice: Document) -> RenderableType:
    table = plain_table(["backbone", "block"], ["probe %", "95 %", "to best", "95 %", "LogME", "GFLOP"])
    for probe in choice["backbones"]:
        for row in probe["blocks"]:
            difference = row["difference"]
            table.add_row(
                Text(probe["backbone"]),
                str(row["block"]),
                percent(row["accuracy"]["value"]),
                interval(row["accuracy"]),
                points(difference["value"]) if difference else "best",
                points_interval(difference) if difference else "",
                NOTHING if row["log_evidence"] is None else f"{row['log_evidence']:.2f}",
                f"{2e-9 * row['products']:.2g}",
                style=None if difference else "bold",
            )
    note = (
        f"linear probes on {choice['images']:,} images, of training (cross-validated in {choice['folds']} "
        "folds) and validation; GFLOP: an image, up to there"
    )
    return Group(table, Text(note, style="dim"))


def _candidates_table(choice: Document) -> RenderableType:
    table = plain_table(["candidate"], ["epochs", "val %", "95 %", "to best", "95 %", "TFLOP", "s"])
    for row in choice["candidates"]:
        rounds, difference = row["rounds"], row["difference"]
        last = rounds[-1]["val_accuracy"] if rounds else None
        table.add_row(
            Text(row["strategy"]),
            f"{rounds[-1]['epochs'] if rounds else 0}/{row['epochs']}",
            percent(last["value"]) if last else NOTHING,
            interval(last) if last else NOTHING,
            points(difference["value"]) if difference else ("best" if rounds else NOTHING),
            points_interval(difference) if difference else "",
            f"{2e-12 * row['products']:,.2f}",
            f"{sum(one['seconds'] or 0 for one in rounds):.0f}",
            style="bold" if row["strategy"] == choice["strategy"] else None,
        )
    note = (
        "candidates at a small budget, on validation; TFLOP: of a training in full, beside the frozen "
        "features; s: what was tried"
    )
    return Group(table, Text(note, style="dim"))


def draw_choice(choice: Document) -> Figure:
    """The accuracy of linear probes by depth, a line for each backbone, each with its 95 % intervals."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.0, 4.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for number, probe in enumerate(choice["backbones"]):
        blocks = [row["block"] for row in probe["blocks"]]
        values = [100 * row["accuracy"]["value"] for row in probe["blocks"]]
        bounds = [row["accuracy"]["ci95"] for row in probe["blocks"]]
        # An end may miss the value itself by the last digit, where all images are read rightly.
        errors = [
            [max(0.0, value - 100 * low) for value, (low, _) in zip(values, bounds, strict=True)],
            [max(0.0, 100 * high - value) for value, (_, high) in zip(values, bounds, strict=True)],
        ]
        colour = _COLOURS[number % len(_COLOURS)]
        marker = _MARKERS[number % len(_MARKERS)]
        label = f"{drawable_name(probe['backbone'])}, block {probe['best_block']} is read best"
        axes.errorbar(blocks, values, yerr=errors, fmt=f"-{marker}", color=colour, capsize=4, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("block of the backbone, from the image on")
    axes.set_ylabel(f"linear probe, % of {choice['images']:,} images")
    axes.set_title(f"chosen: {choice['strategy']} on {drawable_name(choice['backbone'])}", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def choice_figure(choice: Document, path: Path) -> None:
    """Draw what was probed as the PNG `path`, which is written whole or not at all; nothing if nothing
    was."""
    if choice["backbones"]:
        save(draw_choice(choice), path)
