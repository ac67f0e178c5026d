import pytest

from dlpractice.report.number_format import (
    NOTHING,
    count,
    interval,
    items,
    percent,
    points,
    points_interval,
    size_cells,
    size_headers,
)


@pytest.mark.parametrize(
    ("share", "text"), [(0.9762, "97.6"), (1.0, "100.0"), (0.0, "0.0"), (0.99951, "100.0"), (None, NOTHING)]
)
def test_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(("share", "text"), [(0.012, "+1.2"), (-0.3435, "-34.4"), (0.0, "+0.0"), (None, "-")])
def test_points(share: float | None, text: str) -> None:
    assert points(share) == text


def test_intervals() -> None:
    assert interval({"ci95": [0.96, 0.987]}) == "96.0-98.7"
    assert points_interval({"ci95": [-0.023, 0.004]}) == "-2.3,+0.4"


@pytest.mark.parametrize("measure", [{}, {"ci95": None}, {"ci95": [None, None]}])
def test_no_interval(measure: dict[str, object]) -> None:
    assert interval(measure) == points_interval(measure) == NOTHING


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (513, "513"),
        (999, "999"),
        (1026, "1.0 k"),
        (25_100, "25.1 k"),
        (999_949, "999.9 k"),
        (999_951, "1.0 M"),
        (14_714_688, "14.7 M"),
        (138_357_544, "138.4 M"),
    ],
)
def test_count(number: int, text: str) -> None:
    assert count(number) == text


def test_items_in_groups_have_both_numbers() -> None:
    assert items({"n": 1200, "groups": 80}, "test images") == "1,200 test images of 80 groups"
    headers = size_headers([{"n": 3}, {"n": 1200, "groups": 80}])
    assert headers == ["n", "groups"]
    assert size_cells({"n": 1200, "groups": 80}, headers) == ["1,200", "80"]
    assert size_cells({"n": 3}, headers) == ["3", ""]
    assert size_cells({"n": 3}, size_headers([{"n": 3}])) == ["3"]
    assert items({"n": 12}, "test images") == "12 test images"
