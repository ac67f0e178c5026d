"""`dlp benchmark`: the parts that a config asks for, one after another, from a config to benchmark.json."""

from collections.abc import Callable
from typing import Any

from dlpractice.config.benchmark import PartName
from dlpractice.recipes.benchmark_context import Context, Document
from dlpractice.recipes.benchmark_peaks import measure_peaks

Measure = Callable[[Any, Context], Document]

# Each part gets its own section of the config. A part may read those before it in `context.measured`. The
# modules must be importable under every backend: what needs TensorFlow imports it when it measures.
MEASURES: dict[PartName, Measure] = {
    "peaks": measure_peaks,
}
