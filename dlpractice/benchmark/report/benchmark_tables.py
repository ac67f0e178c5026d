"""Tables of benchmark.json in 80 columns: the device, what it reaches, and the comparison with before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.benchmark.device.time_limit import NO_TIME
from dlpractice.benchmark.models.binding import BINDINGS
from dlpractice.benchmark.report.baseline_table import baseline_table
from dlpractice.benchmark.report.figures_in_words import significant
from dlpractice.benchmark.report.parallel_tables import (
    data_parallel_table,
    model_parallel_table,
    prediction_table,
)
from dlpractice.report.number_format import NOTHING
from dlpractice.report.result_tables import plain_table

Document = Mapping[str, Any]
Row = Mapping[str, Any]


def benchmark_tables(document: Document) -> RenderableType:
    """The whole result: answers, device, each part, and the comparison with a baseline where there is one."""
    blocks: list[RenderableType] = []
    if document.get("answers"):
        blocks += [answers_text(document["answers"]), ""]
    blocks.append(device_text(document["environment"]))
    for name, part in document["parts"].items():
        show = _TABLES.get(name, rows_table)
        blocks += ["", Text(name.replace("_", " "), style="bold underline")]
        blocks.append(_lacking_text(part) if "why" in part else show(part))
    if "baseline" in document:
        blocks += ["", Text("against the baseline", style="bold underline")]
        blocks.append(baseline_table(document["baseline"]))
    return Group(*blocks)


def answers_text(answers: Sequence[Document]) -> RenderableType:
    """What the result says, a sentence each; warnings stand out."""
    lines = [
        Text(f"warning: {one['answer']}", style="yellow")
        if one["question"] == "warning"
        else Text(one["answer"])
        for one in answers
    ]
    return Group(*lines)


def _lacking_text(part: Document) -> Text:
    hint = f"; {part['hint']}" if part.get("hint") else ""
    return Text(f"not measured: {part['why']}{hint}", style="yellow")


def device_text(environment: Document) -> RenderableType:
    """The machine that was measured, and under which conditions, in a few lines."""
    host = environment["host"]
    lines = [
        f"{host['processor']}: {significant(host['usable_cores'])} of {host['logical_cores']} cores to use, "
        f"{environment['threads']} threads, {host['memory_bytes'] / 2**30:.0f} GiB",
        f"clock {_megahertz(host['clock_mhz'])}, governor {environment['governor'] or 'unknown'}, "
        f"load {', '.join(f'{load:.1f}' for load in host['load_average'])}",
        *_gpu_lines(environment),
        ", ".join(f"{package} {version}" for package, version in environment["versions"].items()),
    ]
    if environment["git"]:
        lines.append(f"dlp at {environment['git']}")
    return Text("\n".join(lines))


def _megahertz(clock: float | None) -> str:
    return "unknown" if clock is None else f"{clock:,.0f} MHz"


def _gpu_lines(environment: Document) -> Iterator[str]:
    for gpu in environment["gpus"]:
        memory = f"{gpu['memory_mib'] / 1024:.0f} GiB" if gpu["memory_mib"] else "memory unknown"
        yield f"{gpu['name']}: {memory}, {_megahertz(gpu['clock_max_mhz'])} at most, driver {gpu['driver']}"
    if all(device["kind"] == "cpu" for device in environment["devices"]):
        yield f"{environment['backend']} computes on the CPU"


def peaks_table(part: Document) -> RenderableType:
    """The fastest size of each precision, and memory, beside what the maker publishes where it is known."""
    rows, vendor = part["rows"], part.get("vendor")
    columns = ["size", "TFLOP/s", "95 %", "MAD", "sustained", "held"]
    table = plain_table(["precision"], columns + (["published", "share"] if vendor else []), gap=1)
    for precision, products in _by_precision(rows).items():
        best = max((row for row in products if not row["sustained"]), key=_value)
        sustained = next((row for row in products if row["sustained"]), {})
        cells = [str(best["size"]), *_figures(best), significant(sustained.get("value"))]
        cells.append(_percent(sustained.get("share_of_burst")))
        if vendor:
            published = vendor["tflops"].get(precision)
            cells += [significant(published), _percent(published and best["value"] / published)]
        table.add_row(precision, *cells)
    others = [row for row in rows if row["measure"] != "matmul" and row["value"] is not None]
    return Group(table, "", _plain_rows(others), *_notes_on_peaks(vendor), *missing_lines(rows))


def _by_precision(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["measure"] == "matmul" and row["value"] is not None:
            found.setdefault(row["precision"], []).append(row)
    return found


def _notes_on_peaks(vendor: Document | None) -> Iterator[Text]:
    notes = ["TFLOP/s: the fastest size; held: what was left of its rate at the end of the sustained run"]
    if vendor:
        notes.append(
            f"published: {vendor['name']}, memory {vendor['memory_gb_s']:,.0f} GB/s ({vendor['source']})"
        )
    yield Text("\n".join(notes), style="dim")


def rows_table(part: Document) -> RenderableType:
    """The rows of a part as they are, and below them what could not be measured."""
    rows = part["rows"]
    return Group(_plain_rows([row for row in rows if row["value"] is not None]), *missing_lines(rows))


def models_table(part: Document) -> RenderableType:
    """For each net, images/s, and which share of what the device can reach that is."""
    rows = [row for row in part["rows"] if row["value"] is not None]
    table = plain_table(["net"], ["images/s", "95 %", "TFLOP/s", "of peak", "binds"], gap=1)
    for row in rows:
        value, interval, _ = _figures(row)
        share = _percent(row["share_of_measured_peak"])
        cells = [value, interval, significant(row["tflops"]), share, row["binds"] or NOTHING]
        table.add_row(Text(row["name"].removeprefix("models/")), *cells)
    return Group(table, Text("\n".join(_notes_on_nets(rows)), style="dim"), *missing_lines(part["rows"]))


def _notes_on_nets(rows: Sequence[Row]) -> Iterator[str]:
    yield "of peak: of the fastest product measured in that precision"
    if any(row["arithmetic"] == "tf32" for row in rows):
        yield "float32 nets compute in TF32 here, and are set against the fastest TF32 product"
    found = {row["binds"] for row in rows}
    yield from (f"{name}: {meaning}" for name, meaning in BINDINGS.items() if name in found)


def input_table(part: Document) -> RenderableType:
    """How fast images are read, and whether input or net would wait for the other in training."""
    if not part["against"]:
        return rows_table(part)
    table = plain_table(["images come, in what the net takes"], ["decoded", "binds", "cached", "binds"])
    for row in part["against"]:
        table.add_row(
            Text(row["net"].removeprefix("models/")),
            f"{significant(row['decode_over_net'])} x",
            row["binds_when_decoding"],
            f"{significant(row['rows_over_net'])} x",
            row["binds_when_cached"],
        )
    return Group(rows_table(part), "", table)


def backends_table(part: Document) -> RenderableType:
    """The backends side by side for each net, in inference and in training; below, retired frameworks."""
    measured = [row for row in part["rows"] if row["value"] is not None]
    table = plain_table(["net", "", "on"], ["images/s", "95 %"])
    for row in sorted(measured, key=lambda row: (row["net"], row["work"])):
        table.add_row(row["net"], row["work"], f"{row['backend']}, {row['how']}", *_figures(row)[:2])
    notes = {f"{row['precision']}, batch {row['batch']}" for row in measured}
    notes |= {f"{row['threads']} threads" for row in measured}
    ended = ", ".join(f"{row['name']} {row['last_release']} ({row['year']})" for row in part["retired"])
    lines = ["; ".join(sorted(notes)), f"no longer developed, last release: {ended}"]
    return Group(table, Text("\n".join(filter(None, lines)), style="dim"), *missing_lines(part["rows"]))


def _plain_rows(rows: Sequence[Row]) -> RenderableType:
    table = plain_table(["figure"], ["value", "95 %", "MAD", "n", "unit"])
    for row in rows:
        kind = "" if row.get("kind", "measured") == "measured" else f", {row['kind']}"
        table.add_row(Text(row["name"]), *_figures(row), str(row.get("n", "")), row.get("unit", "") + kind)
    return table


def _figures(row: Row) -> list[str]:
    low, high = row.get("ci95") or (None, None)
    interval = NOTHING if low is None else f"{significant(low)}-{significant(high)}"
    mark = "!" if "contradicted_by" in row else ""
    return [significant(row["value"]) + mark, interval, significant(row.get("mad"))]


def missing_lines(rows: Sequence[Row]) -> Iterator[Text]:
    """One line for each group of rows without a value; it gives the reason of the first of them.

    Those that only lacked time are a group of their own.
    """
    groups: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        if row["value"] is None:
            group = row["name"].rpartition("/")[0] or row["name"]
            groups.setdefault((group, row.get("why") == NO_TIME), []).append(row)
    for (group, _), missing in groups.items():
        names = ", ".join(row["name"].removeprefix(f"{group}/") for row in missing)
        yield Text(f"not measured: {group}/{names}: {missing[0].get('why', 'no reason given')}", style="dim")


def _value(row: Row) -> float:
    return float(row["value"])


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.0%}"


_TABLES: Mapping[str, Callable[[Document], RenderableType]] = {
    "peaks": peaks_table,
    "models": models_table,
    "input": input_table,
    "backends": backends_table,
    "data_parallel": data_parallel_table,
    "model_parallel": model_parallel_table,
    "prediction": prediction_table,
}
