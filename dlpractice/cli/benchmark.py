"""`dlp benchmark`: what hardware is worth for this work, and how that compares with an earlier result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlpractice.cli import training_session
from dlpractice.cli.console import print_json, results
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import HardwareError
from dlpractice.paths import Kind, try_look

if TYPE_CHECKING:
    from dlpractice.benchmark.results_file import BenchmarkFolder
    from dlpractice.config.schema import Benchmark

Document = dict[str, Any]

_CONFIG = "A config file, or the name of one that ships with dlp; the shipped default if not given."
_BASELINE = "The benchmark.json of an earlier benchmark, to compare with; exit with 3 if this one is slower."
_TOLERANCE = "Share of the speed that may be lost against the baseline."
_VALIDATE = "Measure nothing: score the prediction of scaling against published tables."
_FAILED = 3
_BACKENDS = ("tensorflow", "jax", "torch")


def benchmark(
    config: Annotated[str | None, typer.Argument(metavar="[CONFIG]", help=_CONFIG)] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="What to change in it: `parts=[peaks]`.")
    ] = None,
    run_dir: training_session.RunDir = None,
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help=_BASELINE)] = None,
    tolerance: Annotated[float, typer.Option(min=0, max=0.99, help=_TOLERANCE)] = 0.1,
    validate: Annotated[bool, typer.Option("--validate", help=_VALIDATE)] = False,
    as_json: training_session.AsJson = False,
) -> None:
    """Measure what this machine is worth: peaks, nets, input, several devices.

    Runs on the Keras backend that KERAS_BACKEND names: tensorflow, jax or torch.
    """
    _choose_backend()
    if validate:
        _validate(as_json)
        return
    name, changes = _split_arguments([*([] if config is None else [config]), *(overrides or [])])
    loaded = _load(name, changes)
    # Read first, so that a baseline that cannot be read is reported before minutes are spent on measuring.
    before = None if baseline is None else _read_baseline(baseline)
    folder = training_session.choose_folder("benchmark", name or "default", run_dir, resume=False)
    document = _measure(loaded, folder, before, tolerance)
    _print(document, folder, as_json)
    if document.get("baseline", {}).get("slower"):
        raise typer.Exit(_FAILED)


def _choose_backend() -> None:
    """Takes another Keras backend where TensorFlow is not installed and the user named none.

    Raises:
        HardwareError: KERAS_BACKEND names no backend, or one that is not installed.
    """
    from importlib.util import find_spec

    installed = [name for name in _BACKENDS if find_spec(name)]
    if installed:
        os.environ.setdefault("KERAS_BACKEND", installed[0])
    chosen = os.environ.get("KERAS_BACKEND", installed and installed[0])
    if chosen not in installed:
        known = "is not installed" if chosen in _BACKENDS else "is no backend of Keras that is known here"
        raise HardwareError(
            f"KERAS_BACKEND is {chosen}, which {known}",
            f"unset it, or set it to one that is: {', '.join(installed) or 'none is'}",
        )


def _split_arguments(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Divides the arguments into the config's name, which may be missing, and the overrides."""
    if arguments and ("=" not in arguments[0] or try_look(arguments[0]) is Kind.FILE):
        return arguments[0], list(arguments[1:])
    return None, list(arguments)


def _load(name: str | None, changes: list[str]) -> Benchmark:
    from dlpractice.config.load import load_config
    from dlpractice.config.names import shipped_folder

    # By its path, because somebody who names no config does not mean a default.yaml in the working folder.
    return load_config(name or str(shipped_folder() / "benchmark" / "default.yaml"), changes, "benchmark")


def _read_baseline(path: Path) -> Document:
    from dlpractice.benchmark.results_file import read_benchmark

    return read_benchmark(path)


def _measure(config: Benchmark, folder: Path, before: Document | None, tolerance: float) -> Document:
    """Runs the benchmark, compares it with `before`, writes both to benchmark.json, and draws the figures."""
    from dlpractice.benchmark.results_file import BenchmarkFolder

    with training_session.reporting(f"what was measured is in {folder}") as progress:
        recipe = import_quietly("dlpractice.benchmark.benchmark")
        recipe.refuse_unknown(config)
        with BenchmarkFolder.create(folder) as opened:
            document: Document = recipe.run(config, opened, progress)
            if before is not None:
                compare = import_quietly("dlpractice.benchmark.baseline").compare_with_baseline
                document["baseline"] = compare(document, before, tolerance)
                opened.write_document(document)
            _draw(document, opened)
            return opened.document()


def _draw(document: Document, folder: BenchmarkFolder) -> None:
    """Draws those results that are easier to see than to read, as PNG files."""
    from dlpractice.benchmark.report.peaks_figure import peaks_figure
    from dlpractice.benchmark.report.roofline_figure import roofline_figure

    parts = document["parts"]
    if "peaks" in parts:
        peaks_figure(parts["peaks"], folder.figure_path("peaks"))
    # A part that could not be measured has no rows and no roof, so there is nothing to draw.
    if "roof" in parts.get("models", {}):
        roofline_figure(parts["models"], folder.figure_path("roofline"))


def _print(document: Document, folder: Path, as_json: bool) -> None:
    if as_json:
        print_json({"run": str(folder), **document})
        return
    from dlpractice.benchmark.report.benchmark_tables import benchmark_tables

    results().print(benchmark_tables(document))
    results().print(str(folder), soft_wrap=True)


def _validate(as_json: bool) -> None:
    document: Document = import_quietly("dlpractice.benchmark.prediction.prediction").validate()
    if as_json:
        print_json(document)
        return
    from dlpractice.benchmark.report.parallel_tables import validation_table

    results().print(validation_table(document))
