"""Intervals, against published figures and scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from dlpractice.statistics import measures
from dlpractice.statistics.intervals import Z95, difference, paired_difference, shared_z, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 40), (250, 500), (20, 20)])
def test_wilson_is_scipy_s(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_difference_is_newcombe_s() -> None:
    # Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10.
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_paired_difference_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (2, 200)).astype(float)
    assert paired_difference(list(a), list(b)) == pytest.approx(measures.paired_difference(a, b).ci95)


def test_shared_z() -> None:
    assert shared_z(1) == pytest.approx(Z95)
    assert shared_z(5) == pytest.approx(norm.ppf(1 - 0.05 / 5 / 2))
