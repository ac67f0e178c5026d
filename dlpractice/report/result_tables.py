"""The JSON documents of the commands as tables that fit 80 columns. Nothing is computed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dlpractice.report.number_format import (
    NOTHING,
    count,
    interval,
    items,
    percent,
    points,
    points_interval,
    size_cells,
    size_headers,
)
from dlpractice.runs.listing import headline
from dlpractice.statistics.equivalence import describe_relations

Document = Mapping[str, Any]

_COMPARISON_COLUMNS = ["params", "val", "test", "95 %", "to\nbest", "95 %", "s"]


def comparison_table(document: Document) -> RenderableType:
    """The rows of comparison.json, in their order; strategies are the only cells that may wrap."""
    rows = document["rows"]
    published = any(row.get("published") for row in rows)
    deviates = any("std_over_seeds" in row["test_accuracy"] for row in rows)
    columns = _COMPARISON_COLUMNS + (["pub-\nlished"] if published else [])
    table = plain_table(["strategy"], columns, gap=1 if deviates else 2)
    for row in rows:
        test, difference = row["test_accuracy"], row.get("difference")
        spread = test.get("std_over_seeds")
        cells = [
            count(row["trainable_parameters"]),
            percent(row["val_accuracy"]["value"]),
            percent(test["value"]) + (f"±{percent(spread)}" if spread is not None else ""),
            interval(test),
            points(difference["value"]) if difference else "best",
            points_interval(difference) if difference else "",
            f"{row['seconds']:,.0f}",
            *([_published(row.get("published"))] if published else []),
        ]
        table.add_row(Text(name_variant(row)), *cells, style=None if difference else "bold")
    return Group(table, "", Text(_comparison_note(document, deviates), style="dim"))


def name_variant(row: Document) -> str:
    """The strategy of a row, and what it turned out to be where it was left open: "auto (head on vgg16)"."""
    chosen = dict.fromkeys(row.get("chosen", ()))
    return f"{row['strategy']} ({', '.join(chosen)})" if chosen else str(row["strategy"])


def _published(entry: Document | None) -> str:
    """The value in percent, or in the words of its source where that gives a range."""
    return "" if entry is None else entry.get("text") or percent(entry["value"])


def _comparison_note(document: Document, deviates: bool) -> str:
    """What the columns mean, so that each number says where it comes from."""
    rows = document["rows"]
    lines = [f"measured here: accuracy in % of {describe_images(rows[0])}"]
    if deviates:
        lines[0] += f", mean ± standard deviation over {max(len(row['seeds']) for row in rows)} seeds"
    lines += ["to best: paired difference on test, in points", "s: wall seconds of a run"]
    shared = document.get("shared_seconds")
    if shared is not None and shared >= 0.5:
        lines[-1] += f"; {shared:,.0f} more were spent once, on frozen features that the runs share"
    lines += relation_lines({row["strategy"]: row.get("difference") for row in rows}, "the best")
    sources = dict.fromkeys(row["published"]["source"] for row in rows if row.get("published"))
    return "\n".join([*lines, *(f"published, on other test images: {source}" for source in sources)])


def relation_lines(differences: Mapping[str, Document | None], to: str) -> list[str]:
    """What the paired differences, by the names of what is compared, say and leave open."""
    named = {
        name: ((difference["ci95"][0], difference["ci95"][1]), float(difference["n"]))
        for name, difference in differences.items()
        if difference is not None and None not in difference["ci95"]
    }
    return describe_relations(named, to)


def describe_images(row: Document) -> str:
    """How many images a row's accuracies are of: "150 validation and 150 test images", and of what groups."""
    val, test = row["val_accuracy"], row["test_accuracy"]
    if val.get("groups") or test.get("groups"):
        return f"{items(val, 'validation images')} and {items(test, 'test images')}"
    return f"{val['n']:,} validation and {test['n']:,} test images"


def summary_table(summary: Document) -> RenderableType:
    """The results of one run: each a share in [0, 1], shown in percent."""
    sizes = size_headers(summary["results"].values())
    table = plain_table(["result"], ["%", "95 %", *sizes])
    table.add_column("kind")
    for name, measure in summary["results"].items():
        kind = measure["kind"] + (f": {measure['source']}" if measure.get("source") else "")
        table.add_row(
            Text(name.replace("_", " ")),
            percent(measure["value"]),
            interval(measure),
            *size_cells(measure, sizes),
            Text(kind),
        )
    return table


def classes_table(per_class: Mapping[str, Document], overall: Document) -> Table:
    """The accuracy of each class, and `overall`."""
    sizes = size_headers([overall, *per_class.values()])
    table = plain_table(["class"], ["%", "95 %", *sizes])
    for name, measure in per_class.items():
        table.add_row(Text(name), percent(measure["value"]), interval(measure), *size_cells(measure, sizes))
    table.add_section()
    table.add_row(
        "all", percent(overall["value"]), interval(overall), *size_cells(overall, sizes), style="bold"
    )
    return table


def runs_table(runs: Sequence[Document]) -> RenderableType:
    """What `dlp runs ls` found, in the order given: two lines a run, of which the first is its path."""
    lines = [Text(f"{'test %':>8}  {'95 %':>10}  {'last written':16}  command, strategy, data", style="bold")]
    for run in runs:
        accuracy = run["test_accuracy"]
        result = percent(accuracy["value"]) if accuracy else NOTHING
        certainty = interval(accuracy) if accuracy else run["state"]
        what = " ".join(filter(None, (run["command"], run["strategy"], run["source"])))
        lines.append(Text(run["path"]))
        lines.append(
            Text(
                f"{result:>8}  {certainty:>10}  {run['written'][:16].replace('T', ' ')}  {what}", style="dim"
            )
        )
        if run["result"] not in ("", "test_accuracy"):
            lines.append(Text(f"{'':>8}  protocol {run['result']}", style="dim"))
        if run["problem"]:
            lines.append(Text(f"    {run['problem']}", style="yellow"))
    return Group(*lines)


def runs_comparison_table(document: Document) -> RenderableType:
    """What `dlp runs compare` found: the runs as letters, where their configs differ, and their results."""
    runs = document["runs"]
    letters = [letter(index) for index in range(len(runs))]
    legend = "\n".join(f"{label}  {run['path']}" for label, run in zip(letters, runs, strict=True))
    config = plain_table(["config", *letters], [])
    for key, values in document["config"].items():
        config.add_row(Text(key), *(Text(_format_value(value)) for value in values))
    differing = config if document["config"] else Text("The configs are the same.")
    return Group(Text(legend), "", differing, "", _results_table(runs, letters))


def _results_table(runs: Sequence[Document], letters: Sequence[str]) -> RenderableType:
    sizes = size_headers(measure for run in runs for measure in run["results"].values())
    table = plain_table(["run", "result"], ["%", "95 %", *sizes, f"to {letters[0]}", "95 %"])
    notes = []
    for label, run in zip(letters, runs, strict=True):
        for name, measure in run["results"].items():
            paired = run["difference"] if name == headline(run["results"]) else None
            table.add_row(
                label,
                Text(name.replace("_", " ")),
                percent(measure["value"]),
                interval(measure),
                *size_cells(measure, sizes),
                points(paired["value"]) if paired else "",
                points_interval(paired) if paired else "",
            )
        if run["note"]:
            notes.append(Text(f"{label}: {run['note']}", style="yellow"))
    relations = relation_lines(
        {label: run["difference"] for label, run in zip(letters, runs, strict=True)}, letters[0]
    )
    return Group(table, *(Text(line, style="dim") for line in relations), *notes)


def plain_table(texts: Sequence[str], numbers: Sequence[str], gap: int = 2) -> Table:
    """A table without lines: first columns of text, then columns of numbers.

    Text wraps if 80 columns are too few. `gap` is the number of blanks between two columns.
    """
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for name in texts:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def letter(index: int) -> str:
    """The name of column or row `index`, which counts from 0: A, B, ... Z, A1, A2, ..."""
    return chr(ord("A") + index) if index < 26 else f"A{index - 25}"


def _format_value(value: object) -> str:
    return NOTHING if value is None else str(value)
