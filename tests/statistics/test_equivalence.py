"""What an interval of a difference says."""

import numpy as np
import pytest

from dlpractice.statistics.differences import paired_interval
from dlpractice.statistics.equivalence import MARGIN, count_needed, describe_relations, relate


@pytest.mark.parametrize(
    ("interval", "relation"),
    [
        ((0.01, 0.2), "better"),
        ((-0.2, -0.01), "worse"),
        ((-0.015, 0.02), "as good"),
        ((-0.05, 0.004), "cannot tell"),
        ((-0.3, 0.4), "cannot tell"),
    ],
)
def test_zero_in_an_interval_is_no_equality(interval: tuple[float, float], relation: str) -> None:
    assert relate(interval) == relation


def test_so_many_examples_tell_equality() -> None:
    """Two models that are right on the same share of images, on different ones of them."""
    rng = np.random.default_rng(0)

    def interval(n: int) -> tuple[float, float]:
        first, second = rng.random((2, n)) < 0.9
        return paired_interval(first, second)

    needed = [count_needed(interval(200), 200) for _ in range(50)]
    assert 1000 < np.median(needed) < 3000
    halves = [np.diff(interval(round(float(np.median(needed)))))[0] / 2 for _ in range(50)]
    assert np.median(halves) == pytest.approx(MARGIN, rel=0.1)


def test_a_line_for_each_relation() -> None:
    named = {
        "a": ((-0.01, 0.01), 5000.0),
        "b": ((-0.3, 0.2), 16.0),
        "c": ((-0.3, -0.2), 16.0),
        "d": ((-0.02, 0.02), 900.0),
    }
    assert describe_relations(named, "head") == [
        "as good as head, within 2 points: a, d",
        "worse than head by more than noise: c",
        "too few images to tell from head: b; about 2,500 images could tell whether within 2 points",
    ]
    assert describe_relations({}, "head") == []
