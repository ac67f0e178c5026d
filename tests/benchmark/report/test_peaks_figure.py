from pathlib import Path

from PIL import Image

from dlpractice.benchmark.report.peaks_figure import draw_peaks, peaks_figure


def row(precision: str, size: int, value: float | None) -> dict[str, object]:
    spread = {} if value is None else {"ci95": [0.9 * value, 1.1 * value]}
    fields = {"measure": "matmul", "precision": precision, "size": size, "sustained": False}
    return {**fields, "value": value, **spread}


PART = {
    "rows": [
        row("float32", 64, 1.0),
        row("float32", 128, 4.0),
        row("float32", 256, None),
        row("bfloat16", 64, 2.0),
        {**row("float32", 128, 3.0), "sustained": True},
        {"measure": "memory", "value": 20.0, "ci95": [19.0, 21.0]},
    ],
    "vendor": {"tflops": {"float32": 15.7}},
}


def test_a_curve_for_each_precision_that_was_measured() -> None:
    (axes,) = draw_peaks(PART).axes
    handles, labels = axes.get_legend_handles_labels()
    assert labels == ["float32", "bfloat16"]
    line = handles[0].lines[0]
    assert line.get_xdata().tolist() == [64, 128]
    assert line.get_ydata().tolist() == [1.0, 4.0]
    published = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in published] == [15.7]


def test_nothing_measured_is_drawn_as_nothing(tmp_path: Path) -> None:
    peaks_figure({"rows": [row("float32", 64, None)], "vendor": None}, tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (1050, 630)
