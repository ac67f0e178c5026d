"""What `dlp predict` says of images, as tables that go on as more answers come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.printable import printable_name
from dlpractice.report.number_format import interval, percent
from dlpractice.report.result_tables import plain_table

Document = Mapping[str, Any]

_WIDEST = 30


@dataclass
class PredictionsTable:
    """What a classifier says of each image; one that cannot be read has its error instead.

    top: how many of the likeliest classes are shown. Columns are as wide as the rows before needed.
    """

    top: int = 1
    _name: int = len("image")
    _class: int = len("predicted")

    def draw(self, rows: Sequence[Document], first: bool = True) -> RenderableType:
        """The rows that come next; `first` ones have the heads of the columns above them."""
        table = plain_table(["image", "predicted"], ["%"])
        for place in range(2, self.top + 1):
            table.add_column(f"{place}.", overflow="fold")
            table.add_column("%", justify="right", no_wrap=True)
        for row in rows:
            name = printable_name(row["path"])
            if "error" in row:
                table.add_row(Text(name), Text(row["error"], style="red"))
                continue
            rest = (
                (Text(one["label"]), percent(one["confidence"])) for one in row.get("top", ())[1 : self.top]
            )
            said = Text(row["predicted"])
            self._name, self._class = max(self._name, len(name)), max(self._class, said.cell_len)
            table.add_row(
                Text(name), said, percent(row["confidence"]), *(cell for pair in rest for cell in pair)
            )
        table.show_header = first
        if not first:
            widths = min(self._name, _WIDEST), min(self._class, _WIDEST), len("99.9")
            for column, width in zip(table.columns, widths, strict=False):
                column.min_width = width
        return with_notes(table, rows)


def with_notes(table: RenderableType, rows: Sequence[Document]) -> RenderableType:
    """The table of `dlp predict`, and below it what is odd about files that it could read."""
    notes = [f"{printable_name(row['path'])}: {row['note']}" for row in rows if row.get("note")]
    return Group(table, "", *(Text(note, style="dim") for note in notes)) if notes else table


def describe_abstention(threshold: float, selection: Document | None) -> str:
    """From which confidence on there are answers, and how right these are."""
    text = f"unsure: below {percent(threshold)} %"
    if selection is None:
        return f"{text}; how right the other answers are is not known"
    right = selection["accuracy"]
    low, high = (percent(bound) for bound in right["ci95"])
    return (
        f"{text}; {percent(selection['coverage'])} % of the validation images get an answer, of which "
        f"{percent(right['value'])} % ({low}-{high}, n = {right['n']:,}) are right; they chose the epoch too"
    )


def describe_selection(found: Document) -> str:
    """The same, and what became of it on the images of `dlp evaluate`."""
    covered, right = found["coverage"], found["accuracy"]
    text = f"unsure: below {percent(found['threshold'])} %; {percent(covered['value'])} % of these images"
    if right is None:
        return f"{text} get an answer"
    right_share = f"{percent(right['value'])} % ({interval(right)}, n = {right['n']:,})"
    text += f" get an answer, of which {right_share} are right"
    if found["validation"] is None:
        return text
    expected = found["validation"]
    return (
        f"{text}; of the validation images {percent(expected['coverage'])} %, of which "
        f"{percent(expected['accuracy']['value'])} % ({interval(expected['accuracy'])})"
    )
