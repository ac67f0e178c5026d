"""The documents of sweeps and trials as tables that fit 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.report.number_format import NOTHING, count, interval, items, percent, points, points_interval
from dlpractice.report.result_tables import describe_images, plain_table, relation_lines

Document = Mapping[str, Any]

_MOST_TRIALS = 15
"""Rows of the table of a search."""


def sweep_table(document: Document) -> RenderableType:
    """The rows of sweep.json, in their order; the one that is best on validation is bold."""
    rows = document["rows"]
    deviates = any("std_over_seeds" in row["test_accuracy"] for row in rows)
    columns = ["params", "train", "val", "95 %", "test", "95 %", "s"]
    table = plain_table([_name_keys(document["key"])], columns, gap=1 if deviates else 2)
    for row in rows:
        val, test = row["val_accuracy"], row["test_accuracy"]
        spread = test.get("std_over_seeds")
        table.add_row(
            Text(_format_value(row["value"])),
            count(row["trainable_parameters"]),
            percent(row["train_accuracy"]),
            percent(val["value"]),
            interval(val),
            percent(test["value"]) + (f"±{percent(spread)}" if spread is not None else ""),
            interval(test),
            f"{row['seconds']:,.0f}",
            style=None if row["difference"] else "bold",
        )
    first = rows[0]
    best = next(row for row in rows if not row["difference"])
    notes = [
        f"measured here: accuracy in % of {describe_images(first)}; params: trained",
        f"chosen by validation: {document['key'].replace(',', ', ')} {_format_value(best['value'])}; "
        "the test was scored once a run",
    ]
    notes += relation_lines({_format_value(row["value"]): row["difference"] or None for row in rows}, "it")
    if deviates:
        notes.append(f"mean over {len(first['seeds'])} seeds; ± on test: their standard deviation")
    return Group(table, "", Text("\n".join(notes), style="dim"))


def search_table(document: Document) -> RenderableType:
    """The trials of search.json, the best on validation first, and what its setting reaches on the test."""
    chosen = document["chosen"]
    columns = [key.rpartition(".")[2] for key in document["key"].split(",")]
    table = plain_table(["trial"], [*columns, "epochs", "val", "95 %", "s"], gap=1)
    rows = sorted(
        document["rows"], key=lambda row: (row["state"] != "finished", -row["val_accuracy"]["value"])
    )
    for row in [row for row in rows if row["state"] == "finished"][:_MOST_TRIALS]:
        table.add_row(
            Text(row["name"]),
            *(Text(_format_value(value)) for value in row["value"].values()),
            f"{row['epochs']:,}",
            percent(row["val_accuracy"]["value"]),
            interval(row["val_accuracy"]),
            f"{row['seconds']:,.0f}",
            style="bold" if row["name"] == chosen["name"] else None,
        )
    test, given_up = chosen["test_accuracy"], sum(row["state"] == "given up" for row in rows)
    left_out = max(0, len(rows) - given_up - _MOST_TRIALS)
    spread = f" ± {percent(test['std_over_seeds'])}" if "std_over_seeds" in test else ""
    notes = [
        f"measured here: accuracy in % of {describe_images(chosen)}",
        f"{len(rows)} trials; {given_up} were given up, worse by more than noise than the best at that epoch"
        + (f"; {left_out} more are in search.json" if left_out else ""),
        f"chosen by validation: {chosen['name']}, trained anew with {len(chosen['seeds'])} "
        f"seed{'s' if len(chosen['seeds']) > 1 else ''}; test {percent(test['value'])}{spread} "
        f"({interval(test)}), scored once a run",
        "the val of the best of many is too high by chance; the test is not",
    ]
    return Group(table, "", Text("\n".join(notes), style="dim"))


def trial_table(document: Document) -> RenderableType:
    """The document of a trial: the run as it was, the remedy, the random one, and the differences."""
    table = plain_table(["trained with"], ["steps", "val", "95 %", "loss", "s"])
    for name, label in (("before", "as it was"), ("remedy", "remedy"), ("random", "random")):
        row = document[name]
        if row is None:
            continue
        changes = " ".join(row["overrides"])
        table.add_row(
            Text(f"{label}: {changes}" if changes else label),
            f"{row['steps']:,}",
            percent(row["val_accuracy"]["value"]),
            interval(row["val_accuracy"]),
            _loss(row["val_loss"]),
            f"{row['seconds']:,.0f}",
        )
    differences = plain_table(["paired difference"], ["points", "95 %", "loss", "95 %"])
    for name, label in (("to_before", "remedy to as it was"), ("to_random", "remedy to random")):
        if (difference := document[name]) is not None:
            accuracy, loss = difference["accuracy"], difference["loss"]
            low, high = (None, None) if loss is None else loss["ci95"]
            differences.add_row(
                label,
                points(accuracy["value"]),
                points_interval(accuracy),
                NOTHING if loss is None else f"{loss['value']:+.3f}",
                NOTHING if loss is None else f"{low:+.3f},{high:+.3f}",
            )
    note = Text(_trial_note(document), style="dim")
    return Group(table, "", differences, "", note, Text(document["folder"]))


def _trial_note(document: Document) -> str:
    seeds = len(document["seeds"])
    what = "validation tasks' queries" if document["command"] == "oneshot" else "validation images"
    images = items(document["before"]["val_accuracy"], what)
    lines = [
        f"tried for: {document['finding']}; remedy and random at equal optimiser steps, "
        f"{seeds} seed{'s' if seeds > 1 else ''} each",
        f"measured here on the same {images}; the test was not looked at",
    ]
    arms = [("as it was", "before"), ("the remedy", "remedy"), ("the random one", "random")]
    steps = [f"{label} {document[name]['steps']:,}" for label, name in arms if document[name] is not None]
    lines.append(f"optimiser steps behind the differences: {', '.join(steps)}")
    for to, name in (("the run as it was", "to_before"), ("the random one", "to_random")):
        if document[name] is not None:
            lines += relation_lines({"the remedy": document[name]["accuracy"]}, to)
    if document["random"] is None:
        lines.append("there is no other remedy for this config to compare with")
    return "\n".join(lines)


def _loss(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _name_keys(keys: str) -> str:
    """The head of the column of values: the key, or the last parts of several."""
    return keys if "," not in keys else ", ".join(key.rpartition(".")[2] for key in keys.split(","))


def _format_value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(map(_format_value, value.values()))
    return "null" if value is None else str(value)
