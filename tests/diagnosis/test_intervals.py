"""Intervals, against published figures and scipy."""

import pytest
from scipy.stats import binomtest

from dlpractice.diagnosis.intervals import difference, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 40), (250, 500), (20, 20)])
def test_wilson_is_scipy_s(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_difference_is_newcombe_s() -> None:
    # Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10.
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
