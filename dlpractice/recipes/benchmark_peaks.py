"""The part `peaks` of a benchmark: multiplying matrices, and moving memory."""

from dlpractice.config.benchmark_sections import Peaks
from dlpractice.hardware import backend
from dlpractice.hardware.arithmetic import Effort, measure_products
from dlpractice.hardware.bandwidth import array_bytes, measure_link, measure_memory
from dlpractice.hardware.peaks import VENDOR_PEAKS, find_peak
from dlpractice.recipes.benchmark_context import Context, Document


def measure_peaks(section: Peaks, context: Context) -> Document:
    """Rows matmul/PRECISION/SIZE and matmul/PRECISION/sustained in TFLOP/s, memory/copy, memory/triad and
    link/host-to-device in GB/s.

    `vendor` is the row of the device in the table of what makers publish, null where it has none; `published`
    is the whole table.
    """
    effort = Effort(context.sampling, section.longest_call_seconds, section.sustained_seconds)
    precisions = dict.fromkeys(section.precisions)
    context.progress.stage("measuring peaks", len(precisions) + 2, "kinds")
    rows = []
    for precision in precisions:
        rows += measure_products(precision, section.sizes, effort, context.memory)
        context.progress.advance()
    bytes_each = array_bytes(section.array_mebibytes)
    for measure in (measure_memory, measure_link):
        rows += measure(bytes_each, context.sampling, context.memory)
        context.progress.advance()
    vendor = find_peak(backend.list_devices()[0].model)
    return {
        "rows": rows,
        "vendor": vendor and vendor.to_json(),
        "published": [peak.to_json() for peak in VENDOR_PEAKS],
    }
