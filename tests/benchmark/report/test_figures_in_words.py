import pytest

from dlpractice.benchmark.report.figures_in_words import significant


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0.0, "0"), (0.03544, "0.0354"), (25.61, "25.6"), (1040.4, "1,040"), (3e-7, "3.0e-07")],
)
def test_three_significant_digits(number: float | None, text: str) -> None:
    assert significant(number) == text
