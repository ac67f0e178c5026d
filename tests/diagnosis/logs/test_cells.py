"""Cells as people, programs and countries write them."""

import numpy as np
import pytest

from dlpractice.diagnosis.logs.cells import parse_cells, read_number, use_decimal_commas


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (" 0.5 ", 0.5),
        ("22.75%", 0.2275),
        ("22.75 %", 0.2275),
        ("1,234.5", 1234.5),
        ("tensor(0.5, device='cuda:0')", 0.5),
        ("tensor(0.5, grad_fn=<NllLossBackward0>)", 0.5),
        ("[0.5]", 0.5),
        ("np.float64(0.5)", 0.5),
        ("\N{MINUS SIGN}1e-3", -0.001),
        ("inf", np.inf),
    ],
)
def test_numbers(cell: str, number: float) -> None:
    assert read_number(cell) == pytest.approx(number)


@pytest.mark.parametrize("cell", ["low", "", "00:10", "1;2", "tensor(low)"])
def test_what_is_no_number(cell: str) -> None:
    with pytest.raises(ValueError):
        read_number(cell)


@pytest.mark.parametrize(
    ("cell", "number"), [("0,4365", 0.4365), ("1.234,5", 1234.5), ("47,70%", 0.477), ("12", 12.0)]
)
def test_decimal_commas(cell: str, number: float) -> None:
    assert read_number(cell, decimal_commas=True) == pytest.approx(number)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1,5", "2"], True),
        (["0,125"], True),
        (["1,234", "2,345"], False),
        (["1,234.5"], False),
        (["a,b"], False),
    ],
)
def test_whether_commas_are_decimal(cells: list[str], found: bool) -> None:
    assert use_decimal_commas(cells) == found


def test_a_column_with_gaps_and_a_word() -> None:
    places, values, flaw = parse_cells(["1", "", "NA", "No log", "2"], False)
    assert (places.tolist(), values.tolist(), flaw) == ([0, 4], [1.0, 2.0], None)
    assert parse_cells(["1", "low", "3%"], False)[2] == (1, "low")
