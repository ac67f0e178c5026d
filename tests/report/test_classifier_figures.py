"""Figures of a classifier's answers hold what they are given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.report.classifier_figures import (
    Curve,
    confusion_figure,
    draw_confusion,
    draw_mistakes,
    draw_reliability,
    evaluation_figure,
    mistakes_figure,
    reliability_figure,
)

ERROR = {"value": 0.05, "ci95": [0.01, 0.09], "n": 50, "kind": "measured"}
BINS = [
    {"low": 0.8, "high": 0.87, "n": 20, "confidence": 0.85, "accuracy": 0.6},
    {"low": 0.87, "high": 0.93, "n": 30, "confidence": 0.9, "accuracy": 0.7},
]
NAMES = ["cat", "$\\x$", "a\nb", "\u732b"]


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_reliability_shows_the_bins_and_both_errors(tmp_path: Path) -> None:
    curves = [
        Curve("softmax", BINS, ERROR | {"value": 0.25}, "red", "s"),
        Curve("softer", BINS[:1], ERROR, "blue", "o"),
    ]
    figure = draw_reliability(curves, "images")
    before, after = figure.axes[0].collections
    np.testing.assert_allclose(before.get_offsets(), [[85, 60], [90, 70]])
    np.testing.assert_allclose(after.get_offsets(), [[85, 60]])
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "softmax; calibration error 25.0" in shown[0]
    assert "softer" in shown[1] and "5.0 (1.0-9.0) %" in shown[1]
    document = {"temperature": 1.5, "n": 50, "error_before": ERROR, "error_after": ERROR}
    reliability_figure(document | {"bins_before": BINS, "bins_after": BINS}, tmp_path / "run.png")
    evaluation_figure({"temperature": None, "error": ERROR, "bins": BINS}, tmp_path / "evaluation.png")
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("run.png", "evaluation.png"))


def test_confusion_has_a_cell_for_each_pair(tmp_path: Path) -> None:
    counts = [[3000, 1, 0, 0], [0, 0, 0, 0], [0, 2, 2, 0], [0, 0, 0, 7]]
    figure = draw_confusion(counts, NAMES)
    assert texts(figure) == [f"{n:,}" for row in counts for n in row]
    shares = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(shares[2], [0, 0.5, 0.5, 0])
    np.testing.assert_allclose(shares[1], 0)
    # Nothing in a name is a formula, a second line, or a glyph that the font lacks: drawing would warn.
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["cat", "\\$\\x\\$", "a\\nb", "\\u732b"]
    confusion_figure({"confusion": counts, "class_names": NAMES}, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 5000


def test_of_many_classes_the_confused_ones_are_shown() -> None:
    counts = np.eye(1000, dtype=int) * 5
    counts[7, 999], counts[500, 7] = 4, 3
    figure = draw_confusion(counts.tolist(), [f"class {number}" for number in range(1000)])
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) == 30 and labels[-1] == "971 others"
    assert {"class 7", "class 500", "class 999"} < set(labels)
    shown = texts(figure)
    assert sorted(shown) == sorted(["4", "3", *["5"] * 29, f"{5 * 971:,}"])
    assert figure.get_size_inches().max() < 15


@pytest.mark.parametrize("count", [1, 7, 24])
def test_mistakes_are_labelled(count: int, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    row = {"path": "a/\x1bb.png", "label": "$1$", "predicted": "x" * 50, "confidence": 0.987}
    figure = draw_mistakes([row] * 30, pictures)
    shown = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    np.testing.assert_array_equal(np.stack(shown), pictures)
    title, first, name, *_ = texts(figure)
    assert f"The {count} surest of 30 wrong answers" in title
    assert first == "\\$1\\$:\n" + "x" * 13 + "… 98.7 %" and name == "\\x1bb.png"
    # All of it lies on the sheet.
    (left, right), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    places = [text.get_position() for text in figure.axes[0].texts]
    assert all(left <= x <= right and top <= y <= bottom - 0.1 for x, y in places)
    if count == 1:
        mistakes_figure([row], pictures, tmp_path / "mistakes.png")
        assert (tmp_path / "mistakes.png").stat().st_size > 1000
