import subprocess
import sys

import pytest
from scipy.stats import norm
from scipy.stats import t as student

from dlpractice.statistics.quantiles import Z95, Z99, shared_z, student_quantile


def test_quantiles_of_the_normal_distribution() -> None:
    assert pytest.approx(norm.ppf(0.975), rel=0, abs=1e-15) == Z95
    assert pytest.approx(norm.ppf(0.995), rel=0, abs=1e-15) == Z99
    assert shared_z(1) == pytest.approx(Z95)
    assert shared_z(5) == pytest.approx(norm.ppf(1 - 0.05 / 5 / 2))


@pytest.mark.parametrize("freedom", [1, 2, 9, 100, 10_000])
def test_students_quantile_is_that_of_scipys_distribution(freedom: int) -> None:
    assert student_quantile(freedom) == student.ppf(0.975, freedom)
    assert student_quantile(freedom, 3.0) == pytest.approx(student.ppf(norm.cdf(3), freedom))


def test_intervals_of_shares_do_without_scipy() -> None:
    """`dlp diagnose` answers in about a second, most of which scipy.stats alone would take."""
    program = (
        "import sys; from dlpractice.statistics import clusters, differences, measure, quantiles, shares; "
        "shares.accuracy([1, 0]); differences.paired_interval([1, 0], [0, 0]); "
        "sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
