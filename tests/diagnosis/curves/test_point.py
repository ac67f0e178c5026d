"""Points of a sweep, and the difference of two."""

import json
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from dlpractice.diagnosis.curves.point import Point, subtract_errors
from dlpractice.runs.answers import Answers, collect_answers
from dlpractice.statistics.differences import paired_interval, unpaired_interval
from dlpractice.statistics.quantiles import Z95


def answered(
    count: int, wrong: int, prefix: str = "", bound: Mapping[str, str] = MappingProxyType({})
) -> Answers:
    """The answers to images of one class, the first `wrong` of them wrong."""
    paths = [f"{prefix}{number}" for number in range(count)]
    splits = [{"path": path, "bound": bound.get(path, path)} for path in paths]
    rows = [
        {"path": path, "label": "a", "predicted": "ab"[number < wrong], "loss": 0.0}
        for number, path in enumerate(paths)
    ]
    return collect_answers(rows, splits, of_tasks=False)


def test_the_same_images_are_paired() -> None:
    a = Point(1, 0, 0.1, 100, 100, "a", answers=answered(100, 10))
    b = Point(2, 0, 0.0, 100, 100, "b", answers=answered(100, 0))
    paired = subtract_errors(a, b, Z95)
    assert paired == pytest.approx(paired_interval([1.0] * 10 + [0.0] * 90, [0.0] * 100))
    others = Point(2, 0, 0.0, 100, 100, "b", answers=answered(100, 0, "x"))
    assert subtract_errors(a, others, Z95) == unpaired_interval(0.1, 100, 0.0, 100)
    assert subtract_errors(Point(1, 0, 0.1, 0, 0, "a"), b, Z95) == (-1.0, 1.0)


def test_bound_images_are_counted_by_groups() -> None:
    films = {str(number): str(number // 10) for number in range(100)}
    a, b = (
        Point(1, 0, wrong / 100, 100, 12.5, "a", answers=answered(100, wrong, "", films)) for wrong in (10, 0)
    )
    expected = paired_interval([1.0] * 10 + [0.0] * 90, [0.0] * 100, 3.0, list(films.values()))
    assert subtract_errors(a, b, 3.0) == pytest.approx(expected)
    c = Point(2, 0, 0.0, 100, 20, "b", answers=answered(100, 0, "x"))
    assert subtract_errors(a, c, Z95) == unpaired_interval(0.1, 12.5, 0.0, 20)


def test_as_json() -> None:
    document = Point(1, 0.1, 0.2, 100, 40.5, "a", 7, answers=answered(1, 0)).to_json()
    assert json.loads(json.dumps(document)) == {
        "place": 1,
        "train": 0.1,
        "val": 0.2,
        "n": 100,
        "trials": 40.5,
        "label": "a",
        "parameters": 7,
    }
    assert Point(1, 0.1, 0.2, 100, 40.5, "a", 7, 12).to_json()["groups"] == 12
