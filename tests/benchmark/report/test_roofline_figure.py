"""The roofline figure holds every measured point, its number, and the ridges."""

import pytest
from matplotlib.text import Text

from dlpractice.benchmark.device.measurement import NetRow
from dlpractice.benchmark.report.roofline_figure import draw_roofline, roofline_figure


def _row(work, precision, batch, intensity, tflops):
    fields = NetRow("vgg16", work, precision).fields(batch)
    return {**fields, "arithmetic": precision, "value": 1.0, "intensity": intensity, "tflops": tflops}


_PART = {
    "rows": [
        _row("inference", "float32", 1, 40.0, 0.1),
        _row("inference", "float32", 8, 41.0, 0.101),
        _row("training", "bfloat16", 8, 60.0, 0.15),
        {"name": "models/vgg16/training/float32/8", "value": None, "why": "too large"},
    ],
    "roof": {
        "tflops": {"float32": 0.2, "bfloat16": 0.4},
        "memory_gb_s": 20.0,
        "ridge": {"float32": 10.0, "bfloat16": 20.0},
    },
}


def test_points_lie_at_their_figures_and_the_roof_bends_at_the_ridge():
    (axes,) = draw_roofline(_PART).axes

    drawn = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1}
    assert {(40.0, 0.1), (41.0, 0.101), (60.0, 0.15), (10.0, 0.2), (20.0, 0.4)} == drawn
    roofs = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [line.get_xdata()[1] for line in roofs] == [10.0, 20.0]
    for line in roofs:
        assert line.get_ydata()[0] == pytest.approx(line.get_xdata()[0] * 0.02)
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_numbers_of_points_do_not_overlap():
    figure = draw_roofline(_PART)
    figure.draw_without_rendering()
    # Without the lines that lead to the points.
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]

    assert len(boxes) == 3
    assert not any(_overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    axes = figure.axes[0]
    assert not any(_overlap(box, axes.get_legend().get_window_extent()) for box in boxes)


def _overlap(first, second):
    # Text alone: the box of an annotation with a line holds its point too.
    return first.overlaps(second)


def test_points_are_drawn_without_a_roof_and_nothing_is_nothing(tmp_path):
    roof = {"tflops": {}, "memory_gb_s": None, "ridge": {}}
    (axes,) = draw_roofline({**_PART, "roof": roof}).axes
    assert len(axes.lines) == 3

    roofline_figure({"rows": [], "roof": roof}, tmp_path / "roof.png")
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")
