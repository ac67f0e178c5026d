"""Rows of answers printed one after the other as they come: a table, one JSON document, or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice, repeat, takewhile
from typing import TYPE_CHECKING, Any, Literal

from dlpractice.cli.console import results
from dlpractice.cli.output.streams import require_output
from dlpractice.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

Row = Mapping[str, Any]
Form = Literal["table", "json", "csv"]

# Rows of a table that are laid out together: the first few soon, the others as the net answers them.
_FIRST, _MORE = 4, 32


def print_rows(
    rows: Iterable[Row], form: Form, table: Callable[[list[Row], bool], RenderableType], top: int
) -> None:
    """Prints each row soon after it is there; none is kept.

    table: makes a table of some rows; the bool is whether they are the first ones.
    top: how many classes a line of CSV has.

    Raises:
        WriteError: the JSON document did not arrive whole.
    """
    if form == "json":
        _print_document(rows)
    elif form == "csv":
        _print_lines(rows, top)
    else:
        remaining, first = iter(rows), True
        for part in takewhile(
            bool, (list(islice(remaining, size)) for size in chain([_FIRST], repeat(_MORE)))
        ):
            results().print(table(part, first))
            sys.stdout.flush()
            first = False


def _print_document(rows: Iterable[Row]) -> None:
    """A list of rows, indented as `print_json` does."""
    opening = "["
    for row in rows:
        text = json.dumps(row, indent=2, allow_nan=False).replace("\n", "\n  ")
        print(f"{opening}\n  {text}", end="", flush=True)
        opening = ","
    print("[]" if opening == "[" else "\n]")
    require_output("the JSON document")


def _print_lines(rows: Iterable[Row], top: int) -> None:
    """A line for each row: path, predicted, confidence, error, note, then the next likeliest classes.

    Control characters are shown escaped; line breaks stand in quotes.
    """
    more = (f"{name}_{place}" for place in range(2, top + 1) for name in ("predicted", "confidence"))
    writer = csv.writer(sys.stdout)
    writer.writerow(["path", "predicted", "confidence", "error", "note", *more])
    for row in rows:
        cells = [row["path"], *(row.get(key, "") for key in ("predicted", "confidence", "error", "note"))]
        rest: Sequence[Row] = row.get("top", [])[1:top]
        cells += [one[key] for one in rest for key in ("label", "confidence")]
        writer.writerow(map(_format_cell, cells + [""] * (3 + 2 * top - len(cells))))
        sys.stdout.flush()


def _format_cell(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value
