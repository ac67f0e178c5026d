"""Thresholds of classes, and what drawings are taken for."""

import math

import pytest

from dlpractice.diagnosis.doubted_labels import class_thresholds, gather_drawings


def test_thresholds_are_mean_probabilities() -> None:
    rows = [
        {"label": "a", "loss": -math.log(0.5)},
        {"label": "a", "loss": -math.log(0.9)},
        {"label": "b", "loss": 0.0},
    ]
    assert class_thresholds(rows) == pytest.approx({"a": 0.7, "b": 1.0})


def test_answers_are_counted_by_drawing() -> None:
    rows = [
        {"path": "x", "label": "a", "predicted": predicted} for predicted in ("a", "b", "b", "c", "undecided")
    ]
    rows += [{"path": "y", "label": name, "predicted": name} for name in ("b", "c")]
    first, second, third = gather_drawings(rows)
    assert (first.other, first.own, first.taken, first.answers) == ("b", 0.2, 0.4, 5)
    # One file under two labels is two drawings.
    assert (second.label, third.label, second.own, third.taken) == ("b", "c", 1.0, 0.0)
