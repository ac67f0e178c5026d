"""The part `peaks` of a benchmark: multiplying matrices, and moving memory."""

from collections.abc import Iterator, Sequence

from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.measurement import Row
from dlpractice.benchmark.device.time_limit import NO_TIME
from dlpractice.benchmark.peaks.arithmetic import missing_sustained, prepare_products, sustain
from dlpractice.benchmark.peaks.bandwidth import array_bytes, prepare_link, prepare_memory
from dlpractice.benchmark.peaks.published_peaks import VENDOR_PEAKS, find_peak
from dlpractice.config.sections.benchmark import Peaks

# Warming up the products of a precision may take so much of what is left of the part's time.
_WARMING = 0.5


def measure_peaks(section: Peaks, context: Context) -> Document:
    """Rows of the device's peaks: products of matrices in TFLOP/s, movements of memory in GB/s.

    They are matmul/PRECISION/SIZE and matmul/PRECISION/sustained, memory/copy, memory/triad and
    link/host-to-device. `vendor` is the device's row in the table of what makers publish, null where it has
    none; `published` is the whole table.
    """
    precisions = tuple(dict.fromkeys(section.precisions))
    context.progress.stage("warming up products", len(precisions), "precisions")
    products = []
    for precision in precisions:
        products += prepare_products(
            precision,
            section.sizes,
            section.longest_call_seconds,
            context.memory,
            limit=context.time.share(_WARMING),
        )
        context.progress.advance()
    bytes_each = array_bytes(section.array_mebibytes)
    link = prepare_link(bytes_each, context.memory)
    with prepare_memory(bytes_each, context.memory) as moved:
        rows = context.measure("measuring peaks", [*products, *moved, link])
    if section.sustained_seconds > 0:
        rows += _sustain(precisions, rows, section.sustained_seconds, context)
    return {"rows": rows, **describe_published(backend.list_devices()[0])}


def describe_published(device: Device) -> Document:
    """`vendor`: what the maker of `device` publishes, None where unknown; `published`: the table."""
    peak = find_peak(device.model)
    return {
        "vendor": None if peak is None else peak.to_json(),
        "published": [known.to_json() for known in VENDOR_PEAKS],
    }


def _sustain(
    precisions: Sequence[str], rows: Sequence[Row], seconds: float, context: Context
) -> Iterator[Row]:
    """For each precision, multiplies matrices of the largest size that was measured, without a pause."""
    context.progress.stage("sustaining products", len(precisions), "precisions")
    for precision in precisions:
        products = (row for row in rows if row["measure"] == "matmul" and row["precision"] == precision)
        bursts = [row for row in products if row["value"]]
        if bursts and context.time.why_not(seconds):
            yield missing_sustained(precision, NO_TIME)
        elif bursts:
            yield sustain(precision, max(bursts, key=lambda row: row["size"]), seconds)
        context.progress.advance()
