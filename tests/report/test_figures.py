from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlpractice.errors import WriteError
from dlpractice.report import figures
from dlpractice.report.figures import comparison_figure, draw_comparison


def row(strategy: str, value: float | None, published: dict[str, Any] | None = None) -> dict[str, Any]:
    ends = [None, None] if value is None else [value - 0.03, value + 0.01]
    return {
        "strategy": strategy,
        "test_accuracy": {"value": value, "ci95": ends, "n": 1234},
        "published": published,
    }


ROWS = [
    row("scratch", 0.85, {"value": 0.8, "text": "75-80"}),
    row("linear@block3", 0.9),
    row("head", 0.97, {"value": 0.9}),
]


def test_points_and_intervals_are_the_rows() -> None:
    figure = draw_comparison(ROWS)
    (axes,) = figure.axes
    (bars,) = axes.containers
    points, _, (intervals,) = bars.lines
    assert points.get_xdata() == pytest.approx([85, 90, 97])
    assert list(points.get_ydata()) == [0, 1, 2]
    ends = np.array([segment[:, 0] for segment in intervals.get_segments()])
    assert ends == pytest.approx(np.array([[82, 86], [87, 91], [94, 98]]))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["scratch", "linear@block3", "head"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first is at the top


def test_published_figures_are_hollow_diamonds_and_labelled_as_such() -> None:
    figure = draw_comparison(ROWS)
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert len(diamonds) == 1
    assert diamonds[0].get_xdata() == pytest.approx([80, 90])
    assert list(diamonds[0].get_ydata()) == [0, 2]
    assert diamonds[0].get_markerfacecolor() == "none"
    assert [text.get_text() for text in figure.axes[0].texts] == ["85.0", "90.0", "97.0", "75-80", "90.0"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "measured here (n = 1,234), 95 % interval",
        "published",
    ]


def test_without_published_figures_there_is_no_word_of_them() -> None:
    (legend,) = draw_comparison([row("head", 0.97)]).legends
    assert len(legend.get_texts()) == 1


def test_what_is_not_a_number_is_left_out() -> None:
    draw_comparison([row("head", None), row("full", 0.9)]).canvas.draw()


def test_a_png_is_written(tmp_path: Path) -> None:
    comparison_figure({"rows": ROWS}, tmp_path / "comparison.png")
    assert [file.name for file in tmp_path.iterdir()] == ["comparison.png"]
    with Image.open(tmp_path / "comparison.png") as image:
        assert image.format == "PNG"
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours  # both kinds of point are there


def test_more_rows_make_a_taller_figure() -> None:
    short, tall = (draw_comparison([row(str(i), 0.9) for i in range(n)]) for n in (2, 12))
    assert tall.get_figheight() > 2 * short.get_figheight()


def test_a_failure_leaves_the_old_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "comparison.png").write_bytes(b"old")
    figure = draw_comparison(ROWS)

    def fail(path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    figure.savefig = fail  # type: ignore[method-assign,assignment]
    monkeypatch.setattr(figures, "draw_comparison", lambda _: figure)
    with pytest.raises(WriteError, match="disk full"):
        comparison_figure({"rows": ROWS}, tmp_path / "comparison.png")
    assert (tmp_path / "comparison.png").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
