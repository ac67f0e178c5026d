"""What `dlp export` found, as a table."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.report.number_format import interval, percent
from dlpractice.report.result_tables import plain_table


def export_table(document: Mapping[str, Any]) -> RenderableType:
    """The exported net beside Keras's: accuracy, size, time; and how far their answers differ."""
    table = plain_table(["net"], ["%", "95 %", "MB", "ms/image"])
    for name, when in (("Keras", "before"), (document["format"], "after")):
        right = document[f"accuracy_{when}"]
        table.add_row(
            Text(name),
            percent(right["value"]),
            interval(right),
            f"{document[f'bytes_{when}'] / 1e6:,.2f}",
            f"{document[f'milliseconds_{when}']:,.2f}",
        )
    same = percent(document["equal_answers"]["value"])
    lines = [
        f"of {document['images']:,} validation images {same} % have the same "
        f"answer; largest difference of a probability {document['largest_difference']:.1e}"
    ]
    if "largest_embedding" in document:
        lines.append(
            f"largest difference of a number of an embedding {document['largest_embedding_difference']:.1e}, "
            f"where the largest is {document['largest_embedding']:.2g}"
        )
    if document["passed"]:
        lines.append(f"written: {document['path']}")
    return Group(table, "", *(Text(line) for line in lines))
