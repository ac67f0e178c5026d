"""The part `peaks` of a benchmark: multiplying matrices, and moving memory."""

from dlpractice.config.benchmark_sections import Peaks
from dlpractice.recipes.benchmark_context import Context, Document


def measure_peaks(section: Peaks, context: Context) -> Document:
    """Rows matmul/PRECISION/SIZE in TFLOP/s, memory/KIND and link/KIND in GB/s."""
    return {"rows": []}
