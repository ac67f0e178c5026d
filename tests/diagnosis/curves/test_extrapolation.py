"""Learning curves: families that are known come back."""

import numpy as np
import pytest

from dlpractice.diagnosis.curves.extrapolation import FAMILIES, find_sizes, fit_families, predict_range

SIZES = [125, 250, 500, 1000, 2000]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_curve_of_a_family_is_continued_by_it(family: str) -> None:
    parameters = {
        "power law": (0.02, 0.05, 0.6),
        "logarithm": (0.1, 0.05, 0.02),
        "arctangent": (0.4, 0.2, 5.0),
        "algebraic root": (0.4, 2.0, 8.0),
    }[family]
    function = FAMILIES[family][0]

    def error(size: float) -> float:
        return float(function(np.array([size / 2000]), np.array(parameters))[0])

    fits = fit_families(SIZES, [error(size) for size in SIZES], n=100_000)
    own = next(fit for fit in fits if fit.family == family)
    assert own.predict(4000) == pytest.approx(max(0.0, error(4000)), abs=3e-3)
    low, high = predict_range(fits, 4000)
    assert low <= own.predict(4000) <= high


def test_the_range_is_wider_further_out() -> None:
    fits = fit_families(SIZES, [0.30, 0.22, 0.17, 0.13, 0.11], n=500)
    widths = [high - low for low, high in (predict_range(fits, size) for size in (2000, 8000, 32000))]
    assert widths == sorted(widths)


def test_how_much_data_a_target_takes() -> None:
    fits = fit_families(SIZES, [0.30, 0.22, 0.17, 0.13, 0.11], n=500)
    least, _ = find_sizes(fits, 0.08)
    assert least is not None
    assert 2000 < least < 20_000
    assert predict_range(fits, least)[0] == pytest.approx(0.08, abs=1e-3)
    assert find_sizes(fits, 0.2) == (pytest.approx(2000), pytest.approx(2000))


def test_three_sizes_are_too_few() -> None:
    assert fit_families([1, 2, 3], [0.3, 0.2, 0.1], n=100) == []
