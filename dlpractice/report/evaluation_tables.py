"""What `dlp evaluate` found, as tables that fit 80 columns, and as CSV. Nothing is computed here."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.printable import printable_name
from dlpractice.report.number_format import NOTHING, interval, items, percent, size_cells, size_headers
from dlpractice.report.prediction_tables import describe_selection
from dlpractice.report.result_tables import plain_table

Document = Mapping[str, Any]

_MAX_MATRIX = 10
"""Classes up to which a confusion matrix fits 80 columns; above, the commonest confusions are listed."""

_MOST_CLASSES = 40
"""Classes up to which all have a row; above, those that are told worst."""

_MOST_MISTAKES = 5

_LONGEST_NAME, _LEAST_WIDTH = 24, 6
"""Of names of classes, in characters: how much of a row they get, and in how little of a column they fold."""

_SCORES = ("precision", "recall", "f1")
_COLUMNS = ["precision", "95 %", "recall", "95 %", "F1"]


def evaluation_table(document: Document) -> RenderableType:
    """Accuracy, the scores of each class, what was confused, how sure the answers were, the surest mistakes,
    and what was unreadable."""
    names, right = document["class_names"], document["accuracy"]
    parts: list[RenderableType] = [
        Text(f"{percent(right['value'])} % right ({interval(right)}) of {items(right, 'images')}", "bold"),
        "",
        _class_table(document),
        "",
        confusion_table(document["confusion"], names),
        "",
        *(Text(line) for line in _describe_confidence(document)),
    ]
    if mistakes := document["mistakes"]:
        parts += ["", _mistakes_table(mistakes)]
    if unreadable := document["unreadable"]:
        parts += ["", Text(f"could not be read, and not counted: {len(unreadable):,}", style="yellow")]
        parts += [Text(f"    {printable_name(row['path'])}: {row['error']}") for row in unreadable]
    return Group(*parts)


def list_class_cells(document: Document) -> Iterator[list[object]]:
    """The lines of CSV: a head, a line for each class that has images, for the means, and for the accuracy.

    `kind` tells a class from a mean of the same name. Shares are in [0, 1]; what is not known is empty.
    """
    ends = ("", "_low", "_high")
    yield ["kind", "name", "n", "groups", *(score + end for score in _SCORES for end in ends)]
    for name, row in document["per_class"].items():
        yield ["class", name, *_csv_cells(row, {**row, "recall": row})]
    for name in ("macro", "weighted"):
        yield ["mean", name, *_csv_cells(document["accuracy"], document[name])]
    right = document["accuracy"]
    yield ["accuracy", "", *_csv_cells(right, {"recall": right})]


def _csv_cells(sized: Document, scores: Document) -> Iterator[object]:
    yield from (sized["n"], sized.get("groups", ""))
    for name in _SCORES:
        measure = scores.get(name)
        yield from (measure["value"], *measure["ci95"]) if measure else ("", "", "")


def _class_table(document: Document) -> RenderableType:
    per_class, overall = document["per_class"], document["accuracy"]
    shown = list(per_class.items())
    notes = []
    if len(shown) > _MOST_CLASSES:
        shown = sorted(shown, key=lambda row: row[1]["f1"]["value"])[:_MOST_CLASSES]
        notes.append(f"the {_MOST_CLASSES} of {len(per_class):,} classes with the lowest F1; --csv has all")
    sizes = size_headers([overall, *per_class.values()])
    table = plain_table(["class"], [*_COLUMNS, *sizes], gap=1 if len(sizes) > 1 else 2)
    for name, row in shown:
        table.add_row(
            Text(printable_name(name)), *_score_cells({**row, "recall": row}), *size_cells(row, sizes)
        )
    table.add_section()
    for name, title in (("macro", "mean of classes"), ("weighted", "mean by images")):
        table.add_row(Text(title, "bold"), *_score_cells(document[name]), *size_cells(overall, sizes))
    if missing := document["missing"]:
        more = f" and {len(missing) - _MOST_MISTAKES:,} more" if len(missing) > _MOST_MISTAKES else ""
        listed = ", ".join(map(printable_name, missing[:_MOST_MISTAKES]))
        notes.append(f"no image of {listed}{more}: means are over the other classes")
    return Group(table, *(Text(note, style="dim") for note in notes))


def _score_cells(scores: Document) -> Iterator[str]:
    for name in ("precision", "recall"):
        measure = scores[name]
        yield from (percent(measure["value"]), interval(measure)) if measure else (NOTHING, "")
    yield percent(scores["f1"]["value"]) if scores["f1"] else NOTHING


def _describe_confidence(document: Document) -> Iterator[str]:
    found = document["calibration"]
    error, is_plain = found["error"], found["temperature"] is None
    what = "the softmax's confidence" if is_plain else "confidence"
    yield (
        f"calibration error {percent(error['value'])} % ({interval(error)}): how far {what} is from "
        "the share of right answers"
    )
    if document["trained_on"] is None:
        yield "whether the model was trained on some of these images is not known: a file does not say"
    if document["selection"]:
        yield describe_selection(document["selection"])


def _mistakes_table(mistakes: Sequence[Document]) -> RenderableType:
    table = plain_table(["surest mistakes", "class", "taken for"], ["%"])
    for row in mistakes[:_MOST_MISTAKES]:
        names = (Text(printable_name(row[key])) for key in ("path", "label", "predicted"))
        table.add_row(*names, percent(row["confidence"]))
    return table


def confusion_table(confusion: Sequence[Sequence[int]], class_names: Sequence[str]) -> RenderableType:
    """How many images of each class were taken for each; the commonest confusions where there are many
    classes."""
    if len(class_names) > _MAX_MATRIX:
        return _commonest_confusions(confusion, class_names)
    heads = _fold_names(class_names, max(n for counts in confusion for n in counts))
    numbered = [f"{index} {name}" for index, name in enumerate(class_names)]
    columns = heads or [str(index) for index in range(len(class_names))]
    table = plain_table(["true \\ predicted"], columns)
    for index, (name, counts) in enumerate(zip(class_names if heads else numbered, confusion, strict=True)):
        cells = [Text(str(n), style="bold" if index == column else "") for column, n in enumerate(counts)]
        table.add_row(Text(name), *cells)
    return table


def _fold_names(names: Sequence[str], largest: int) -> list[str]:
    """The names folded so that each heads a column in a table of 80, or none where that would leave them too
    narrow to be read; `largest` is the largest number below them."""
    first = max(len("true \\ predicted"), min(_LONGEST_NAME, max(map(len, names))))
    width = (80 - first - 2) // len(names) - 2
    if width < max(len(str(largest)), min(_LEAST_WIDTH, max(map(len, names)))):
        return []
    return ["\n".join(textwrap.wrap(name, width)) for name in names]


def _commonest_confusions(confusion: Sequence[Sequence[int]], class_names: Sequence[str]) -> RenderableType:
    wrong = [
        (n, truth, guess)
        for truth, counts in enumerate(confusion)
        for guess, n in enumerate(counts)
        if n and truth != guess
    ]
    if not wrong:
        return Text("No image was taken for another class.")
    table = plain_table(["most often confused"], ["images"])
    for n, truth, guess in sorted(wrong, key=lambda item: (-item[0], item[1:]))[:_MAX_MATRIX]:
        table.add_row(Text(f"{class_names[truth]} taken for {class_names[guess]}"), f"{n:,}")
    return table
