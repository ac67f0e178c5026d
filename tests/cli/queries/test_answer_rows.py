"""Rows are printed as they come."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from dlpractice.cli.queries.answer_rows import print_rows


def test_rows_come_as_they_are_answered() -> None:
    """None is kept, and the first is shown while the others are not there yet."""
    shown: list[int] = []

    def answer() -> Iterator[dict[str, Any]]:
        for number in range(50):
            yield {"path": f"{number}.png", "predicted": "a", "confidence": 1.0, "top": []}
            shown.append(number)

    drawn: list[tuple[int, bool, int]] = []

    def draw(rows: list[Any], first: bool) -> str:
        drawn.append((len(rows), first, len(shown)))
        return ""

    print_rows(answer(), "table", draw, 1)
    assert drawn == [(4, True, 3), (32, False, 35), (14, False, 50)]


def test_lines_of_csv_show_control_characters_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """They would steer a terminal; a line break stands in quotes."""
    row = {"path": "a\x1b[31m.png", "predicted": "two\nlines\r", "confidence": 0.5, "note": "\0"}
    print_rows([row], "csv", lambda rows, first: "", 1)
    _, cells = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert cells == ["a\\x1b[31m.png", "two\nlines\\r", "0.5", "", "\\x00"]
