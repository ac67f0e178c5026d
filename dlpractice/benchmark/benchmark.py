"""Runs the parts of `dlp benchmark` that a config asks for, and writes their results to benchmark.json."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

import dlpractice
from dlpractice.benchmark.backends.backends import measure_backends
from dlpractice.benchmark.conclusions.conclusions import find_answers
from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.intervals import repeat_interval
from dlpractice.benchmark.device.machine import describe_machine
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.steadiness import Steadiness
from dlpractice.benchmark.device.time_limit import TimeLimit, list_left_out
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.input_pipeline import find_jpegs, measure_input
from dlpractice.benchmark.models.models import measure_models
from dlpractice.benchmark.parallel.parallel import measure_data_parallel, measure_model_parallel
from dlpractice.benchmark.peaks.peaks import measure_peaks
from dlpractice.benchmark.prediction.interconnects import find_interconnect
from dlpractice.benchmark.prediction.prediction import predict
from dlpractice.benchmark.repeats import mark_contradictions
from dlpractice.benchmark.results_file import BenchmarkFolder
from dlpractice.config.commands.benchmark import PARTS, Benchmark, PartName
from dlpractice.config.load import dump_config
from dlpractice.errors import DlpError
from dlpractice.paths import find_below, read_file
from dlpractice.progress import Progress, Silent
from dlpractice.registry.wording import join_words
from dlpractice.runs.commit import describe_commit
from dlpractice.runs.contract.document import SCHEMA

Measure = Callable[[Any, Context], Document]

# What share of the time each part gets, among those that are still to come: about what they take on a CPU.
# Backends need most, because a process that is cut short has nothing to show.
_WEIGHTS: dict[PartName, float] = {
    "peaks": 35,
    "models": 75,
    "input": 8,
    "data_parallel": 15,
    "model_parallel": 12,
    "prediction": 2,
    "backends": 90,
}

# Each part gets its own section of the config. A part may read those before it in `context.measured`. The
# modules must be importable under every backend: what needs TensorFlow imports it when it measures.
MEASURES: dict[PartName, Measure] = {
    "peaks": measure_peaks,
    "models": measure_models,
    "input": measure_input,
    "data_parallel": measure_data_parallel,
    "model_parallel": measure_model_parallel,
    "prediction": predict,
    "backends": measure_backends,
}

_PRECISION_NOTE = " where a row names no other; TF32 is off in matmul/float32, and else as the backend has it"


def run(config: Benchmark, folder: BenchmarkFolder, progress: Progress | None = None) -> Document:
    """Measures the parts of the config, one after another, and saves after each part what was measured.

    A part that this machine cannot do, or has no memory for, has no rows and says why.

    Returns what benchmark.json holds. Its `finished` is false until the last part is done.

    Raises:
        KeyboardInterrupt: the user interrupts; the parts that were done are in benchmark.json.
    """
    progress, started = progress or Silent(), time.perf_counter()
    backend.grow_memory_as_needed()
    text = dump_config(config)
    folder.write_config(text)
    measured: dict[str, Document] = {}
    document: Document = {
        "schema": SCHEMA,
        "command": "benchmark",
        "finished": False,
        "environment": _describe_environment(text),
        "config": config.model_dump(mode="json"),
        "parts": measured,
        "seconds": 0.0,
    }
    folder.write_document(document)
    sampling = Sampling(config.repetitions, config.spread_seconds)
    steadiness = Steadiness()
    steadiness.look()
    limit = TimeLimit(started + config.time_limit_seconds)
    memory, look = MemoryBudget(config.memory_share), steadiness.look_in_passing
    context = Context(sampling, memory, progress, config.seed, measured, limit, look)
    for message in _list_idle_settings(config):
        progress.warn(message)
    parts = [part for part in PARTS if part in config.parts]
    for number, part in enumerate(parts):
        steadiness.look_in_passing()
        share = _WEIGHTS[part] / sum(_WEIGHTS[later] for later in parts[number:])
        measured[part] = _measure(part, config.section(part), replace(context, time=limit.share(share)))
        if part != "prediction":  # of machines that nobody has given a price for
            add_costs(measured[part], config.price_per_hour)
        steadiness.look()
        document |= _conclude(measured, steadiness)
        document["answers"] = find_answers(document)
        document["seconds"] = time.perf_counter() - started
        folder.write_document(document)
    for message in document["steadiness"]["warnings"]:
        progress.warn(message)
    document["finished"] = True
    folder.write_document(document)
    return document


def _conclude(measured: Mapping[str, Document], steadiness: Steadiness) -> Document:
    """What the parts that have run say together; settles the intervals of their rows."""
    settle_intervals(measured, steadiness)
    return {
        "steadiness": steadiness.to_json(),
        "contradictions": mark_contradictions(measured),
        "left_out": list_left_out(measured),
    }


def add_costs(part: Document, price_per_hour: float | None) -> None:
    """Gives rows in images/s the field `cost_per_million`, in the currency of the price of an hour."""
    for row in part["rows"]:
        if price_per_hour is not None and row.get("net") and row["value"]:
            row["cost_per_million"] = price_per_hour / 3600 / row["value"] * 1e6


def settle_intervals(measured: Mapping[str, Document], steadiness: Steadiness) -> None:
    """Gives each measured row its interval, now that the drift is known over the time that has passed.

    What moves or reads memory drifts as the copy does, what computes as the product does.
    """
    for name, part in measured.items():
        for row in part["rows"]:
            if row.get("samples"):
                in_memory = name == "input" or row.get("measure") in ("memory", "link")
                row["drift"] = steadiness.drift("copy" if in_memory else "product") or 0.0
                row["ci95"] = repeat_interval(row["samples"], row["drift"])


def _list_idle_settings(config: Benchmark) -> Iterator[str]:
    """What a user should know of settings, not at their defaults, of parts that are not measured."""
    for part in PARTS:
        section = config.section(part)
        defaults = type(section)()
        keys = [f"{part}.{key}" for key, value in section if value != getattr(defaults, key)]
        if keys and part not in config.parts:
            yield f"{join_words(keys, ' and ')}: no effect, because parts does not name {part}"


def refuse_unknown(config: Benchmark) -> None:
    """Looks up what the config names before anything is measured.

    Raises:
        HardwareError: no interconnect has the name that the config gives.
        DataError: the folder of images holds no image.
    """
    if "prediction" in config.parts:
        find_interconnect(config.prediction.interconnect)
    if "input" in config.parts and config.input.folder is not None:
        find_jpegs(config.input.folder)


def _measure(part: PartName, section: Any, context: Context) -> Document:
    started = time.perf_counter()
    if why := context.time.why_not():
        return {**_nothing(why, "give it more"), "seconds": 0.0}
    try:
        document = MEASURES[part](section, context)
    except DlpError as error:
        document = _nothing(error.message, error.hint)
    except Exception as error:
        if not backend.is_out_of_memory(error):
            raise
        document = _nothing("memory ran out", "set memory_share lower, or the sizes of this part")
    if why := document.get("why"):
        context.progress.warn(f"{part}: {why}")
    return {**document, "seconds": time.perf_counter() - started}


def _nothing(why: str, hint: str) -> Document:
    return {"rows": [], "why": why, "hint": hint}


def _describe_environment(config_text: str) -> Document:
    """The machine, and what else figures depend on: threads, precision, governor, code and config."""
    machine = describe_machine()
    return {
        **machine,
        "threads": machine["host"]["threads"],
        "governor": machine["host"]["governor"],
        "precision": f"{keras.config.dtype_policy().name}{_PRECISION_NOTE}",
        "hashes": {
            "config": hashlib.sha256(config_text.encode()).hexdigest(),
            "code": _hash_code(Path(dlpractice.__file__).parent),
        },
        "git": describe_commit(),
    }


def _hash_code(package: Path) -> str:
    """SHA-256 of the package's modules: names and contents."""
    digest = hashlib.sha256()
    for path in find_below(package, "*.py"):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode() + read_file(path, 2**24))
    return digest.hexdigest()
