"""The document of a cross-validation as tables that fit 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.report.evaluation_tables import confusion_table
from dlpractice.report.number_format import interval, items, percent
from dlpractice.report.result_tables import classes_table, name_variant, plain_table


def folds_table(document: Mapping[str, Any]) -> RenderableType:
    """The rows of folds.json, the classes, what was taken for what, and what all images say together."""
    rows, overall = document["rows"], document["accuracy"]
    table = plain_table(["fold"], ["train", "val", "test", "95 %", "images", "s"])
    for row in rows:
        test = row["test_accuracy"]
        table.add_row(
            Text(row["value"]),
            percent(row["train_accuracy"]),
            percent(row["val_accuracy"]["value"]),
            percent(test["value"]),
            interval(test),
            f"{test['n']:,}",
            f"{row['seconds']:,.0f}",
        )
    chosen = dict.fromkeys(name_variant(row) for row in rows)
    notes = [
        f"measured here: accuracy in % by {', '.join(chosen)}",
        f"all: {items(overall, 'images')}, each predicted once, by the net that has not seen it",
        "its 95 %: the wider one of Wilson's interval and of Nadeau and Bengio's (2003)",
    ]
    if document["temperature"] is not None:
        notes.append(
            "model.keras here answers with the mean of the folds' nets: dlp predict takes this folder"
        )
    parts: list[RenderableType] = [table, "", classes_table(document["per_class"], overall), ""]
    parts += [confusion_table(document["confusion"], document["class_names"]), ""]
    return Group(*parts, Text("\n".join(notes), style="dim"))
