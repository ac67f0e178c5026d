"""The best of settings that lie on no line."""

from dlpractice.diagnosis.curves.best_setting import read_best_setting
from dlpractice.diagnosis.curves.point import Point


def points(*errors: float, n: int = 500) -> list[Point]:
    return [Point(place, 0.0, error, n, n, f"setting {place}") for place, error in enumerate(errors)]


def test_the_lowest_error_is_advised_and_noise_is_told_from_worse() -> None:
    finding = read_best_setting(points(0.3, 0.062, 0.06), {"setting 2": ("a.b=1", "c.d=2")})
    assert finding is not None
    assert (finding.confidence, finding.overrides, finding.remedy) == (
        "medium",
        ("a.b=1", "c.d=2"),
        "take setting 2",
    )
    assert "1 of the 2 others" in finding.evidence[1]
    assert finding.evidence[0].startswith("the lowest of 3: setting 2, validation error 6.0% (4.2% to 8.4%)")


def test_confidence_is_high_where_all_others_are_worse_and_low_where_none_is() -> None:
    found = [read_best_setting(points(*errors), {}) for errors in ((0.3, 0.4, 0.06), (0.06, 0.061))]
    assert [finding and finding.confidence for finding in found] == ["high", "low"]
    assert read_best_setting(points(0.1), {}) is None
