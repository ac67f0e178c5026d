"""Numbers from the cells of a log, as people, programs and countries write them."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dlpractice.diagnosis.record import Floats

ABSENT = frozenset({"", "na", "n/a", "<na>", "none", "null", "-", "--", "no log", "not available", "#n/a"})
"""What stands in a cell that holds no measurement, in small letters."""

_WRAPPED = re.compile(
    r"^\s*(?:(?:tf\.)?tensor|np\.float\d*|array|float)?\s*[(\[]+\s*(?P<number>[^\s,()\[\]]+)[^()]*[)\]]+\s*$",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{1,3}(?:\.\d{3})+,\d+)\s*%?\s*$")


def read_number(text: str, decimal_commas: bool = False) -> float:
    """The number in a cell. A percent sign divides by 100; `tensor(0.5)` and `[0.5]` are 0.5.

    decimal_commas: whether 0,5 is a half, and 1.000 a thousand.

    Raises:
        ValueError: there is none.
    """
    text = text.strip()
    if wrapped := _WRAPPED.match(text):
        text = wrapped["number"]
    share = text.endswith("%")
    text = text.removesuffix("%").strip().replace("\N{MINUS SIGN}", "-")
    if "," in text:
        text = text.replace(".", "").replace(",", ".") if decimal_commas else text.replace(",", "")
    return float(text) / (100.0 if share else 1.0)


def use_decimal_commas(cells: Iterable[str]) -> bool:
    """Whether some cell can only be read with a comma before its decimals."""
    return any(_DECIMAL_COMMA.match(cell) for cell in cells if "," in cell)


def parse_cells(
    cells: Sequence[str], decimal_commas: bool
) -> tuple[NDArray[np.int64], Floats, tuple[int, str] | None]:
    """The numbers of a column, and where they stand in it.

    Returns places (n,) int64, values (n,) float64, and the first cell that is no number with its place; None
    where all others are absent.
    """
    places = [place for place, cell in enumerate(cells) if cell]
    try:  # most columns, and the quickest way through
        return (
            np.array(places, np.int64),
            np.array([float(cells[place]) for place in places], np.float64),
            None,
        )
    except ValueError:
        places = [place for place in places if cells[place].strip().lower() not in ABSENT]
        return _parse_slowly(places, [cells[place] for place in places], decimal_commas)


def _parse_slowly(
    places: Sequence[int], cells: Sequence[str], decimal_commas: bool
) -> tuple[NDArray[np.int64], Floats, tuple[int, str] | None]:
    at, values, flaw = [], [], None
    for place, cell in zip(places, cells, strict=True):
        try:
            values.append(read_number(cell, decimal_commas))
            at.append(place)
        except ValueError:
            flaw = flaw or (place, cell)
    return np.array(at, np.int64), np.array(values, np.float64), flaw
