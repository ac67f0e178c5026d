"""Rows are printed as they come."""

from collections.abc import Iterator
from typing import Any

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
