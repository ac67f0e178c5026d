"""Figures of a classifier's answers hold what they are given."""

import numpy as np

from dlpractice.report.classifier_figures import draw_reliability

ERROR = {"value": 0.05, "ci95": [0.01, 0.09], "n": 50, "kind": "measured"}


def test_reliability_shows_the_bins_and_both_errors() -> None:
    bins = [
        {"low": 0.8, "high": 0.87, "n": 20, "confidence": 0.85, "accuracy": 0.6},
        {"low": 0.87, "high": 0.93, "n": 30, "confidence": 0.9, "accuracy": 0.7},
    ]
    document = {
        "temperature": 1.5,
        "n": 50,
        "error_before": ERROR | {"value": 0.25},
        "error_after": ERROR,
        "bins_before": bins,
        "bins_after": bins[:1],
    }
    figure = draw_reliability(document)
    before, after = figure.axes[0].collections
    np.testing.assert_allclose(before.get_offsets(), [[85, 60], [90, 70]])
    np.testing.assert_allclose(after.get_offsets(), [[85, 60]])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "calibration error 25.0" in texts[0]
    assert "temperature 1.50" in texts[1] and "5.0 (1.0-9.0) %" in texts[1]
