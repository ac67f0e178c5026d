"""Points of a sweep, and the difference of two."""

import json

import pytest

from dlpractice.diagnosis.curves.point import Point, subtract_errors
from dlpractice.statistics.differences import paired_interval, unpaired_interval
from dlpractice.statistics.quantiles import Z95


def test_the_same_images_are_paired() -> None:
    right = {f"{number}": 1.0 for number in range(100)}
    a = Point(1, 0, 0.1, 100, "a", correct=right | {f"{number}": 0.0 for number in range(10)})
    b = Point(2, 0, 0.0, 100, "b", correct=right)
    paired = subtract_errors(a, b, Z95)
    assert paired == pytest.approx(paired_interval([1.0] * 10 + [0.0] * 90, [0.0] * 100))
    others = Point(2, 0, 0.0, 100, "b", correct={f"x{number}": 1.0 for number in range(100)})
    assert subtract_errors(a, others, Z95) == unpaired_interval(0.1, 100, 0.0, 100)
    assert subtract_errors(Point(1, 0, 0.1, 0, "a"), b, Z95) == (-1.0, 1.0)


def test_as_json() -> None:
    document = Point(1, 0.1, 0.2, 100, "a", 7, {"x": 1.0}).to_json()
    assert json.loads(json.dumps(document)) == {
        "place": 1,
        "train": 0.1,
        "val": 0.2,
        "n": 100,
        "label": "a",
        "parameters": 7,
    }
