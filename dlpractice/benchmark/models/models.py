"""The part `models` of a benchmark: whole nets in inference and training, held against the device's peaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.energy import find_meter, measure_energy
from dlpractice.benchmark.device.measurement import Figure, NetRow
from dlpractice.benchmark.device.memory import VALUE_BYTES
from dlpractice.benchmark.device.peak_memory import PeakMemory
from dlpractice.benchmark.models.batch_figures import choose_batch_sizes, warm_up_batches
from dlpractice.benchmark.models.binding import find_binding
from dlpractice.benchmark.models.counting import Work, count_work
from dlpractice.benchmark.models.roofline import Roof, read_roof
from dlpractice.benchmark.models.throughput import computing_in
from dlpractice.benchmark.nets import build_net
from dlpractice.benchmark.peaks.published_peaks import find_peak
from dlpractice.config.sections.benchmark import Models

# Of the time of the part, measuring all nets in turn gets as much as warming up so many of them.
_MEASURING = 2


def measure_models(section: Models, context: Context) -> Document:
    """Rows models/NET/WORK/PRECISION/BATCH in images/s, with the four parts of the name as fields.

    WORK is `inference` or `training`. Where TensorFlow was told to use XLA, the name ends in `/xla`. A row
    has the achieved `tflops`, the `intensity` in operations a byte, the `arithmetic` of its products (`tf32`
    where float32 is rounded to it), its shares of the measured peak and of the maker's peak in that
    arithmetic, and what `binds` (see `binding`); null where a peak is not known. `roof`: the measured peaks.
    `uncounted`: layers whose operations are not in those figures. On a GPU there is `peak_memory_bytes`, and
    `largest_that_fits` says which batch was found by doubling. Where energy is counted, there is
    `images_per_joule`.
    """
    roof = read_roof(context.measured.get("peaks"))
    uncounted: dict[str, list[str]] = {}
    rows: list[Document] = []
    group: list[Figure] = []
    nets = list(product(section.names, section.precisions))
    for number, (name, precision) in enumerate(nets):
        limit = context.time.share(1 / (len(nets) - number + _MEASURING))
        with computing_in(precision):
            net = build_net(name, context.seed)
        work = count_work(net)
        if work.unknown:
            uncounted[name] = list(work.unknown)
        # As many nets take turns as memory allows: the more there are, the longer the time of each.
        if group and context.memory.why_not(_largest_load(work, precision, section)):
            rows += _measure(group, context)
            group = []
        context.progress.stage(f"warming up {name} in {precision}", 1, "net")
        memory = PeakMemory()
        for done, compiler in product(_works(section), _compilers(section)):
            row = NetRow(name, done, precision, compiler)
            group += warm_up_batches(net, work, row, section, context, limit, memory)
        context.progress.advance()
    rows += _measure(group, context)
    rows = [_place(row, roof) for row in rows]
    measured = [row for row in rows if row["value"] is not None]
    for found in measured:
        found["binds"] = find_binding(found, measured, roof)
    return {
        "rows": rows,
        "roof": roof.to_json(),
        "uncounted": uncounted,
    }


def _measure(group: Sequence[Figure], context: Context) -> list[Document]:
    """Measures the nets of a group in turn, and where there is a meter, what the best batch of each takes."""
    rows = context.measure("measuring nets", group)
    meter = find_meter()
    if meter is None:
        return rows
    watches = {figure.name: figure.watch for figure in group}
    measured = sorted((row for row in rows if row["value"] is not None), key=lambda row: float(row["value"]))
    best = {(row["net"], row["work"], row["precision"], row["compiler"]): row for row in measured}
    for row in best.values():
        watch = watches[row["name"]]
        if watch is not None and context.time.why_not(meter.least_seconds) is None:
            row |= measure_energy(meter, watch, row["batch"])
    return rows


def _works(section: Models) -> tuple[str, ...]:
    return ("inference", "training") if section.training else ("inference",)


def _compilers(section: Models) -> tuple[str, ...]:
    """How nets are compiled: other backends than TensorFlow have one way only."""
    return section.compilers if backend.backend_name() == "tensorflow" else ("default",)


def _largest_load(work: Work, precision: str, section: Models) -> int:
    """The most bytes that any of the net's measurements needs, of those whose batches are given."""
    sizes, _ = choose_batch_sizes(section)
    return work.memory_bytes(max(sizes), VALUE_BYTES[precision], training=section.training)


def _place(row: Document, roof: Roof) -> Document:
    """Adds to a row how it compares with the peaks of its arithmetic."""
    if row["value"] is None:
        return row
    arithmetic = row["arithmetic"]
    tflops = row["value"] * row["flops"] / 1e12
    vendor = find_peak(backend.list_devices()[0].model)
    published = None if vendor is None else vendor.tflops.get(arithmetic)
    return row | {
        "tflops": tflops,
        "share_of_measured_peak": _share(tflops, roof.tflops.get(arithmetic)),
        "share_of_vendor_peak": _share(tflops, published),
        "attainable_tflops": roof.attainable(arithmetic, row["intensity"]),
    }


def _share(part: float, whole: Any) -> float | None:
    return part / float(whole) if whole else None
