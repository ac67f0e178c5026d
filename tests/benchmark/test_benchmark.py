"""Parts that are made up, so that what holds them together can be seen; real ones run from the shell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlpractice.benchmark import benchmark
from dlpractice.benchmark.context import Context, Document
from dlpractice.benchmark.device import machine
from dlpractice.benchmark.device.steadiness import Reference, Steadiness
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.results_file import BenchmarkFolder, read_benchmark
from dlpractice.config.commands.benchmark import PARTS, Benchmark
from dlpractice.config.load import load_config
from dlpractice.errors import HardwareError
from dlpractice.progress import Silent

Part = Callable[[Any, Context], Document]


def rows(name: str) -> Document:
    return {"rows": [{"name": name, "value": 1.0, "unit": "images/s"}]}


class Warnings(Silent):
    """Keeps what is warned of."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, message: str) -> None:
        self.texts.append(message)


def run(folder: Path, progress: Silent | None = None, *parts: str) -> Document:
    config = Benchmark(command="benchmark", parts=parts or ("peaks", "models"))  # type: ignore[arg-type]
    with BenchmarkFolder.create(folder) as opened:
        return benchmark.run(config, opened, progress)


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    parts: dict[str, Part] = {
        "peaks": lambda section, context: rows("matmul"),
        "models": lambda section, context: rows("vgg16"),
    }
    monkeypatch.setattr(benchmark, "MEASURES", parts)
    monkeypatch.setattr(benchmark, "Steadiness", lambda: Steadiness([]))
    # To ask the processor what it is takes a second or two.
    monkeypatch.setattr(machine.cpuinfo, "get_cpu_info", lambda: {"brand_raw": "X", "flags": ["avx2", "pni"]})
    return parts


def test_every_part_that_a_config_can_name_is_measured() -> None:
    assert set(benchmark.MEASURES) == set(PARTS)


@pytest.mark.usefixtures("measures")
def test_parts_run_in_their_order_and_are_kept(tmp_path: Path) -> None:
    document = run(tmp_path, None, "models", "peaks")
    assert list(document["parts"]) == ["peaks", "models"]
    assert document["finished"]
    assert read_benchmark(tmp_path) == json.loads(json.dumps(document))
    assert load_config(str(tmp_path / "config.yaml"), [], "benchmark").parts == ("models", "peaks")


@pytest.mark.usefixtures("measures")
def test_a_result_says_what_it_was_measured_with(tmp_path: Path) -> None:
    environment = run(tmp_path)["environment"]
    assert environment["threads"] >= 1
    assert (environment["host"]["processor"], environment["host"]["instruction_sets"]) == ("X", ["avx2"])
    assert environment["precision"].startswith("float32")
    assert {"governor", "git", "backend", "devices", "gpus", "host", "versions"} <= set(environment)
    assert {len(digest) for digest in environment["hashes"].values()} == {64}


def test_a_part_is_given_its_section_and_those_before_it(measures: dict[str, Part], tmp_path: Path) -> None:
    seen = []

    def models(section: Any, context: Context) -> Document:
        seen.append((type(section).__name__, dict(context.measured), context.sampling))
        return rows("vgg16")

    measures["models"] = models
    run(tmp_path)
    ((name, measured, sampling),) = seen
    assert (name, sampling) == ("Models", Sampling(7, 5.0))
    assert measured["peaks"]["rows"][0]["name"] == "matmul"


def test_an_interrupt_leaves_what_was_measured(measures: dict[str, Part], tmp_path: Path) -> None:
    def models(section: Any, context: Context) -> Document:
        raise KeyboardInterrupt

    measures["models"] = models
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    left = read_benchmark(tmp_path)
    assert list(left["parts"]) == ["peaks"]
    assert left["finished"] is False


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (HardwareError("no second device", "take one"), "no second device"),
        (MemoryError(), "memory ran out"),
        (RuntimeError("RESOURCE_EXHAUSTED: out of memory"), "memory ran out"),
    ],
)
def test_a_part_that_cannot_be_done_says_so_and_the_others_are_measured(
    error: Exception, why: str, measures: dict[str, Part], tmp_path: Path
) -> None:
    def peaks(section: Any, context: Context) -> Document:
        raise error

    measures["peaks"] = peaks
    warnings = Warnings()
    document = run(tmp_path, warnings)
    assert document["parts"]["peaks"]["why"] == why
    assert document["parts"]["peaks"]["rows"] == []
    assert document["parts"]["models"]["rows"]
    assert warnings.texts[0] == f"peaks: {why}"


def test_a_bug_is_not_taken_for_a_small_machine(measures: dict[str, Part], tmp_path: Path) -> None:
    def peaks(section: Any, context: Context) -> Document:
        raise ZeroDivisionError

    measures["peaks"] = peaks
    with pytest.raises(ZeroDivisionError):
        run(tmp_path)


def test_a_machine_that_drifts_makes_every_interval_wider_and_is_told(
    measures: dict[str, Part], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The reference takes a second, then two, then four: no interval is narrower than that."""
    now, slowness = 0.0, 1.0

    def call() -> None:
        nonlocal now
        now += slowness

    def measure(section: Any, context: Context) -> Document:
        nonlocal slowness
        slowness *= 2
        row = {"name": type(section).__name__, "value": 2.0, "unit": "images/s", "samples": [2.0] * 7}
        return {"rows": [{**row, "ci95": [2.0, 2.0], "measure": "none", "precision": "float32"}]}

    measures["peaks"] = measures["models"] = measure
    reference = Reference("product", "TFLOP/s", 1.0, call, lambda _: None)
    monkeypatch.setattr(benchmark, "Steadiness", lambda: Steadiness([reference], lambda: now))
    warnings = Warnings()
    document = run(tmp_path, warnings)
    assert document["steadiness"]["references"][0]["drift"] > 0.5
    for part in document["parts"].values():
        low, high = part["rows"][0]["ci95"]
        assert low < 1.0 and high > 4.0
    assert any("the machine drifted" in text for text in warnings.texts)
