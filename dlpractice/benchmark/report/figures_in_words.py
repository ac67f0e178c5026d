"""Numbers of a benchmark as its tables and sentences write them."""

from __future__ import annotations

from dlpractice.report.number_format import NOTHING


def significant(number: float | None) -> str:
    """Three significant digits, as plain decimals: "0.0354", "25.6", "1,040"."""
    if number is None:
        return NOTHING
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) >= 1e-4 or number == 0 else f"{number:.1e}"
