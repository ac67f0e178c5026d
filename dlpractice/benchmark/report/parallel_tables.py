"""Tables of what `dlp benchmark` says of several devices; they fit 80 columns. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dlpractice.report.number_format import NOTHING, percent
from dlpractice.report.result_tables import plain_table

Document = Mapping[str, Any]

_WIDEST = 8
"""How many boundaries are listed: those that the most bytes cross forward."""


def data_parallel_table(part: Document) -> RenderableType:
    """The part data_parallel: throughput on real devices, and what logical CPUs show."""
    table = plain_table(["devices"], ["images/s", "efficiency %", "exchange %"])
    measured = [row for row in part["rows"] if row["value"] is not None]
    for row in measured:
        cells = [_number(row["value"]), percent(row["efficiency"]), percent(row["exchange_share"])]
        table.add_row(str(row["devices"]), *cells)
    blocks: list[RenderableType] = [table, ""] if measured else []
    blocks += [Text(f"{row['name']}: {row['why']}", style="yellow") for row in part["rows"] if "why" in row]
    if logical := part.get("logical"):
        blocks += [_checks_table(logical["checks"]), Text(_exchange_note(logical), style="dim")]
    return Group(*blocks)


def _exchange_note(logical: Document) -> str:
    return (
        f"{len(logical['devices'])} logical CPUs share the cores of one, so no speed-up is read off them.\n"
        f"A step has {_plural(logical['collectives'], 'all-reduce')} of "
        f"{_mebibytes(logical['bytes_per_device'])} MiB a device; "
        f"the gradients are {_mebibytes(logical['gradient_bytes'])} MiB.\n"
        f"{percent(logical['overhead'])} % of its wall time is not in the replicas' own computation."
    )


def model_parallel_table(part: Document) -> RenderableType:
    """The part model_parallel: whether the divided net computes the same, its stages, its widest cuts."""
    stages = plain_table(["stage", "from", "to"], ["work %", "values in"])
    for number, stage in enumerate(part["stages"], 1):
        share, taken = percent(stage["share_of_operations"]), f"{stage['values_taken_per_image']:,}"
        stages.add_row(str(number), Text(stage["first"]), Text(stage["last"]), share, taken)
    notes = (
        f"{part['model']}, {_plural(part['batch_size'], 'image')}, "
        f"{_plural(part['micro_batches'], 'micro-batch', 'es')}, on {part['on']}\n"
        f"by channels: {_plural(part['divided_layers'], 'layer')} divided, "
        f"{part['gathered_values_per_image']:,} values an image gathered forward"
    )
    return Group(
        _checks_table(part["checks"]),
        "",
        stages,
        "",
        _boundaries_table(part["boundaries"]),
        "",
        Text(notes, style="dim"),
    )


def _boundaries_table(boundaries: Sequence[Document]) -> RenderableType:
    table = plain_table(["crossing behind"], ["tensors", "KiB forward", "KiB back"])
    widest = sorted(boundaries, key=lambda row: -row["forward_bytes"])[:_WIDEST]
    for row in widest:
        sizes = [f"{row[key] / 1024:,.1f}" for key in ("forward_bytes", "backward_bytes")]
        table.add_row(Text(row["after"]), str(row["tensors"]), *sizes)
    if (left := len(boundaries) - len(widest)) <= 0:
        return table
    return Group(table, Text(f"an image in float32; {left} narrower ones are in benchmark.json", style="dim"))


def _checks_table(checks: Sequence[Document]) -> RenderableType:
    table = plain_table(["against the undivided net, or one device"], ["difference", "allowed", ""])
    for check in checks:
        difference = "no number" if check["difference"] is None else f"{check['difference']:.1e}"
        said = Text("same" if check["passed"] else "DIFFERS", style="" if check["passed"] else "bold red")
        table.add_row(Text(check["name"]), difference, f"{check['tolerance']:.0e}", said)
    return table


def prediction_table(part: Document) -> RenderableType:
    """The part prediction: each method with its interval; the best for a number of devices is bold."""
    missing = [row for row in part["rows"] if row["value"] is None]
    if missing:
        return Group(*(Text(f"{row['name']}: {row['why']}", style="yellow") for row in missing))
    table = plain_table(["devices", "divided by"], ["images/s", "low-high", "efficiency %", "GiB"])
    for row in part["rows"]:
        low, high = row["interval"]
        table.add_row(
            str(row["devices"]),
            row["method"],
            _number(row["value"]),
            f"{_number(low)}-{_number(high)}",
            _percents(row["efficiency"]),
            f"{row['memory_bytes'] / 2**30:.2f}",
            style="bold" if part["best"][str(row["devices"])] == row["method"] else None,
        )
    notes = (
        f"predicted for {part['model']}, batch {part['batch_size']} a device, over "
        f"{part['interconnect']['name']}: {part['interconnect']['about']}\n"
        f"one device: {_number(part['single']['images_per_second'])} images/s ({part['single']['row']})\n"
        "low: slowest link, nothing hidden; high: fastest link, all hidden that can be"
    )
    return Group(table, "", Text(notes, style="dim"))


def validation_table(document: Document) -> RenderableType:
    """What `dlp benchmark --validate` found: each published row, and the errors of all ways to predict."""
    table = plain_table(["net, batch", "on"], ["n", "measured", "predicted", "low-high", "error"], gap=1)
    for row in document["rows"]:
        predicted = row["predicted"]
        table.add_row(
            Text(f"{row['model']} {row['batch']} {row['precision']}".removesuffix(" float32")),
            Text(row["interconnect"]),
            str(row["devices"]),
            percent(row["measured"]),
            percent(predicted["point"]),
            f"{percent(predicted['low'])}-{percent(predicted['high'])}",
            Text(f"{row['error_points']:+.1f}", style="" if row["inside_interval"] else "yellow"),
        )
    errors = plain_table(["absolute error, points"], ["median", "mean"])
    for name, error in document["errors"].items():
        errors.add_row(Text(name), f"{error['median']:.1f}", f"{error['mean']:.1f}")
    constants = document["constants"]
    notes = [
        f"in % of linear scaling; {document['inside_interval']} of {document['n']} lie between low and high",
        document["fit"],
        f"fitted on all of them: overlap {constants['overlap']:.1f}, "
        f"{1e3 * constants['device_seconds']:.1f} ms a device",
        *dict.fromkeys(f"published: {row['source']}" for row in document["rows"]),
    ]
    return Group(table, "", errors, "", Text("\n".join(notes), style="dim"))


def _percents(outcome: Document) -> str:
    return f"{percent(outcome['low'])}-{percent(outcome['high'])}"


def _number(value: float | None) -> str:
    """A number with three digits: 12,346, 123, 12.3, 1.23."""
    if value is None:
        return NOTHING
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _mebibytes(size: float) -> str:
    return f"{size / 2**20:,.2f}"


def _plural(number: int, thing: str, ending: str = "s") -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}{ending}"
