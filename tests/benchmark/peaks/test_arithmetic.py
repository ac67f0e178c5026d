import math
import time
from collections.abc import Callable

import pytest

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.measurement import Row, measure_in_turn
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.peaks import arithmetic
from dlpractice.benchmark.peaks.arithmetic import prepare_products, sustain

PLENTY = MemoryBudget(0.5)


def measure(
    precision: str,
    sizes: tuple[int, ...],
    longest_call: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Row]:
    return measure_in_turn(prepare_products(precision, sizes, longest_call, PLENTY, clock), Sampling(5))


class Machine:
    """A machine that needs `per_operation` seconds for an operation, and counts what it is asked for."""

    def __init__(self, per_operation: float) -> None:
        self.now, self.tried = 0.0, []  # type: float, list[int]
        self._per_operation = per_operation

    def prepare(self, precision: str, size: int) -> tuple[object, str]:
        self.tried.append(size)

        def call() -> None:
            self.now += 2 * size**3 * self._per_operation

        return call, "by hand"

    def clock(self) -> float:
        return self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(1e-9)
    monkeypatch.setattr(arithmetic, "_prepare", made.prepare)
    monkeypatch.setattr(backend, "synchronise", lambda value: None)
    return made


def test_a_rate_is_two_n_cubed_by_the_time(machine: Machine) -> None:
    rows = measure("float32", (64, 256), 1.0, machine.clock)
    rows.append(sustain("float32", rows[1], 2.0, machine.clock))
    assert [row["name"] for row in rows] == [
        "matmul/float32/64",
        "matmul/float32/256",
        "matmul/float32/sustained",
    ]
    assert [row["value"] for row in rows] == pytest.approx([1e-3] * 3), "1e9 operations a second"
    assert {row["unit"] for row in rows} == {"TFLOP/s"}
    assert rows[2]["share_of_burst"] == pytest.approx(1.0)
    assert rows[2]["seconds"] == pytest.approx(2.0, abs=0.15)
    assert rows[2]["size"] == 256


def test_a_size_that_would_take_too_long_is_never_tried(machine: Machine) -> None:
    rows = measure("float32", (64, 8192), 0.5, machine.clock)
    assert rows[0]["value"] is not None
    assert rows[1]["value"] is None
    assert rows[1]["why"] == f"one product would take about {2 * 8192**3 * 1e-9:.2g} s"
    assert max(machine.tried) == 512, "512 takes 0.27 s, 1024 would take 2.1"


def test_small_products_that_understate_a_device_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that needs 0.01 s for any product: from 128 alone, 4096 would seem to need 328 s."""
    machine = Machine(1e-15)

    def prepare(precision: str, size: int) -> tuple[object, str]:
        machine.tried.append(size)

        def call() -> None:
            machine.now += 0.01

        return call, "by hand"

    monkeypatch.setattr(arithmetic, "_prepare", prepare)
    monkeypatch.setattr(backend, "synchronise", lambda value: None)
    rows = measure("float16", (4096,), 0.1, machine.clock)
    assert rows[0]["value"] == pytest.approx(2 * 4096**3 / 0.01 / 1e12)


def test_what_does_not_fit_is_a_row_that_says_so(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryBudget, "device_bytes", lambda self: 3 * 64 * 64 * 8)
    rows = measure("float64", (64, 65), 9.0, machine.clock)
    assert rows[0]["value"] is not None
    assert rows[1]["value"] is None
    assert "are allowed" in rows[1]["why"]


def test_a_rate_that_falls_is_seen(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second the device takes twice as long."""

    def prepare(precision: str, size: int) -> tuple[object, str]:
        def call() -> None:
            machine.now += 0.01 if machine.now < 1.0 else 0.02

        return call, "by hand"

    monkeypatch.setattr(arithmetic, "_prepare", prepare)
    (burst,) = measure("float32", (100,), 1.0, machine.clock)
    row = sustain("float32", burst, 3.0, machine.clock)
    assert row["share_of_burst"] == pytest.approx(0.5, rel=0.01)


def test_tf32_is_not_asked_of_a_cpu() -> None:
    (row,) = measure("tf32", (64,), 1.0)
    assert (row["name"], row["value"]) == ("matmul/tf32", None)
    assert "TF32" in row["why"]


@pytest.mark.parametrize("precision", ["float64", "float32", "float16", "bfloat16"])
def test_a_real_product_in_each_precision(precision: str) -> None:
    (row,) = measure(precision, (32,), 1.0)
    assert math.isfinite(row["value"])
    assert row["ci95"][0] <= row["value"] <= row["ci95"][1]
    assert row["n"] == 5


def test_the_matrices_are_in_the_precision_and_stay_in_its_range() -> None:
    import keras
    import numpy as np

    call, how = arithmetic._prepare("float16", 512)
    product = call()
    assert keras.backend.standardize_dtype(product.dtype) == "float16"  # type: ignore[attr-defined]
    values = keras.ops.convert_to_numpy(product).astype(np.float64)
    assert how == "tf.function"
    # Entries are sums of n products of values of variance 1/n: of variance 1/n.
    assert values.std() == pytest.approx(512**-0.5, rel=0.05)
