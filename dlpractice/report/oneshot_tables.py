"""The JSON documents of one-shot learning as tables that fit 80 columns. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.printable import printable_name
from dlpractice.report.number_format import NOTHING, interval, items, percent, size_cells, size_headers
from dlpractice.report.prediction_tables import with_notes
from dlpractice.report.result_tables import Document, letter, plain_table


def summary_table(summary: Document) -> RenderableType:
    """The results of one run, a row for each protocol, and what is said of pairs."""
    results = summary["results"]
    notes = [_pairs_note(name, measure) for name, measure in results.items() if "eer" in measure]
    notes += [_threshold_note(summary["threshold"])]
    return Group(_results_table(results), "", Text("\n".join(notes), style="dim"))


def tasks_table(document: Document) -> RenderableType:
    """What `dlp evaluate` found with a one-shot run: a row for each protocol, and what was unreadable."""
    parts: list[RenderableType] = [_results_table(document["results"])]
    if unreadable := document["unreadable"]:
        parts += ["", Text(f"could not be read, and not counted: {len(unreadable):,}", style="yellow")]
        parts += [Text(f"    {printable_name(row['path'])}: {row['error']}") for row in unreadable]
    return Group(*parts)


def _results_table(results: Mapping[str, Document]) -> RenderableType:
    sizes = size_headers(results.values())
    table = plain_table(["protocol"], ["%", "95 %", "errors", *sizes])
    table.add_column("kind")
    for name, measure in results.items():
        table.add_row(
            Text(name.replace("_", " ")),
            percent(measure["value"]),
            interval(measure),
            _errors(measure),
            *size_cells(measure, sizes),
            measure["kind"],
        )
    return table


def _errors(measure: Document) -> str:
    """The number of errors; for several seeds the mean of their numbers; "" where nobody counted."""
    errors = measure.get("errors")
    if errors is None:
        return ""
    return f"{errors:,.0f}" if errors == int(errors) else f"{errors:,.1f}"


def _pairs_note(name: str, measure: Document) -> str:
    return (
        f"{name}: area under the ROC curve {measure['auc']:.4f}, equal error rate {percent(measure['eer'])} %"
    )


def _threshold_note(threshold: Document) -> str:
    return (
        f"unknown: at its threshold {percent(threshold['false_accept_rate'])} % of different pairs are taken "
        f"for the same, and {percent(threshold['false_reject_rate'])} % of same pairs for different "
        f"({threshold['n']:,} validation pairs)"
    )


def comparison_table(document: Document) -> RenderableType:
    """The rows of comparison.json on the headline protocol, the best first, and other protocols below.

    What was published elsewhere is dim and has the number of its source, which stands under the table.
    """
    protocol = document["protocol"]
    rows = sorted(
        (row for row in document["rows"] if protocol in row["results"]),
        key=lambda row: -(row["results"][protocol]["value"] or 0.0),
    )
    sources = list(dict.fromkeys(row["source"] for row in document["rows"] if row["source"]))
    lettered = [row for row in document["rows"] if len(row["results"]) > (protocol in row["results"])]
    letters = {row["method"]: letter(index) for index, row in enumerate(lettered)}
    varies = len(_counts(rows, protocol)) > 1
    sizes = size_headers(row["results"][protocol] for row in rows) if varies else []
    columns = ["%", "95 %", "errors", *sizes, "s"]
    table = plain_table(["method", *([""] if letters else [])], columns, gap=1 if varies else 2)
    table.add_column("kind")
    best = next((row for row in rows if row["kind"] == "measured"), None)
    for row in rows:
        measure = row["results"][protocol]
        table.add_row(
            Text(row["method"]),
            *([letters.get(row["method"], "")] if letters else []),
            _with_spread(measure),
            interval(measure),
            _errors(measure),
            *size_cells(measure, sizes),
            "" if row["seconds"] is None else f"{row['seconds']:,.0f}",
            Text(row["kind"] + (f" [{sources.index(row['source']) + 1}]" if row["source"] else "")),
            style="bold" if row is best else "dim" if row["kind"] == "published" else None,
        )
    parts: list[RenderableType] = [Text(f"{document['data']}, {protocol}"), table]
    if lettered:
        parts += ["", _other_protocols(lettered, letters, protocol)]
    return Group(*parts, "", Text(_comparison_note(document, rows, sources), style="dim"))


def _other_protocols(rows: Sequence[Document], letters: Mapping[str, str], headline: str) -> RenderableType:
    """Protocols by methods: the percentages that have no place in the main table."""
    protocols = dict.fromkeys(name for row in rows for name in row["results"] if name != headline)
    table = plain_table(["other protocols, %"], [letters[row["method"]] for row in rows])
    for name in protocols:
        measures = [row["results"].get(name) for row in rows]
        table.add_row(
            Text(name.replace("_", " ")), *("" if one is None else percent(one["value"]) for one in measures)
        )
    return table


def _counts(rows: Sequence[Document], protocol: str) -> set[int]:
    return {row["results"][protocol]["n"] for row in rows}


def _with_spread(measure: Document) -> str:
    spread = measure.get("std_over_seeds")
    return percent(measure["value"]) + (f"±{percent(spread)}" if spread is not None else "")


def _comparison_note(document: Document, rows: Sequence[Document], sources: Sequence[str]) -> str:
    """What the columns mean, so that each number says where it comes from."""
    protocol = document["protocol"]
    measured = [row for row in rows if row["kind"] == "measured"]
    lines = []
    if measured:
        seeds = max(len(row["seeds"]) for row in measured)
        spread = f", mean ± standard deviation over {seeds} seeds" if seeds > 1 else ""
        counts = _counts(measured, protocol)
        n = items(measured[0]["results"][protocol], "queries") if len(counts) == 1 else "n queries"
        lines.append(f"measured here: accuracy in % of {n}{spread}")
        lines.append("s: wall seconds of a run, with its training")
        lines += [f"{row['method']}: {row['about']}" for row in measured if row["about"]]
    return "\n".join([*lines, *(f"[{number}] {source}" for number, source in enumerate(sources, 1))])


_SCORE_NOTE = (
    "score: probability of the same class, where same and different are equally likely beforehand\n"
    "unknown: below {threshold}, the threshold that the run chose on validation pairs"
)


def identification_table(rows: Sequence[Document]) -> RenderableType:
    """What `dlp predict` says of each image with a one-shot run; of an unknown one, what it is nearest to."""
    table = plain_table(["image", "class"], ["score"])
    table.add_column("nearest", overflow="fold")
    for row in rows:
        if "error" in row:
            table.add_row(Text(printable_name(row["path"])), Text(row["error"], style="red"), "", "")
            continue
        nearest = "" if row["known"] or not row["top"] else row["top"][0]["label"]
        table.add_row(
            Text(printable_name(row["path"])),
            Text(row["predicted"], style="" if row["known"] else "yellow"),
            f"{row['confidence']:.3f}",
            Text(nearest),
        )
    threshold = next((row["threshold"] for row in rows if "threshold" in row), None)
    return Group(
        with_notes(table, rows), "", Text(_SCORE_NOTE.format(threshold=_score(threshold)), style="dim")
    )


def verdict_text(document: Document) -> Text:
    """What `dlp predict --same` says: `same`, or `different`, and how sure that is."""
    word = "same" if document["same"] else "different"
    relation = "at least" if document["same"] else "below"
    return Text.assemble(
        (word, "bold"),
        f": score {_score(document['score'])} is {relation} the threshold {_score(document['threshold'])}",
    )


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
