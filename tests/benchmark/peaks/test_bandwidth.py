from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.measurement import Row, measure_in_turn
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.peaks import bandwidth
from dlpractice.benchmark.peaks.bandwidth import array_bytes, host_kernels, prepare_link, prepare_memory

PLENTY = MemoryBudget(0.5)
MEBIBYTE = 1 << 20


def measure_memory() -> list[Row]:
    with prepare_memory(MEBIBYTE, PLENTY) as figures:
        return measure_in_turn(figures, Sampling(5))


def test_arrays_are_well_above_the_last_level_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for cache, expected in ((None, 256), (32, 256), (384, 1536)):
        monkeypatch.setattr(bandwidth, "last_level_cache", lambda cache=cache: cache and cache * MEBIBYTE)
        assert array_bytes(None) == expected * MEBIBYTE
        assert array_bytes(3) == 3 * MEBIBYTE


@pytest.mark.parametrize("length", [1, 7, 16_384, 100_001])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_kernels_compute_what_stream_computes(length: int, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        calls = host_kernels(length, pool, threads)
        copied = calls["copy"]()
        assert np.array_equal(copied, np.full(length, 1.0))
        summed = calls["triad"]()
        assert np.array_equal(summed, np.full(length, 1.0 + 3.0 * 2.0))
        assert summed is copied, "results go into an array that exists"


def test_bytes_are_counted_as_in_stream() -> None:
    with prepare_memory(MEBIBYTE, PLENTY) as figures:
        amounts = {figure.name: figure.amount for figure in figures}
    assert amounts == pytest.approx({"memory/copy": 2 * MEBIBYTE / 1e9, "memory/triad": 3 * MEBIBYTE / 1e9})


def test_a_small_real_measurement() -> None:
    rows = measure_memory()
    assert [row["name"] for row in rows] == ["memory/copy", "memory/triad"]
    assert all(row["value"] > 0 and row["n"] == 5 and row["unit"] == "GB/s" for row in rows)
    assert all(row["how"].startswith("NumPy") for row in rows)


def test_too_large_arrays_are_rows_that_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryBudget, "device_bytes", lambda self: 3 * MEBIBYTE - 1)
    rows = measure_memory()
    assert [(row["name"], row["value"]) for row in rows] == [("memory/copy", None), ("memory/triad", None)]
    assert all("are allowed" in row["why"] for row in rows)


def test_on_a_cpu_there_is_no_way_to_the_device() -> None:
    (row,) = measure_in_turn([prepare_link(MEBIBYTE, PLENTY)], Sampling(5))
    assert (row["name"], row["value"], row["why"]) == ("link/host-to-device", None, "the device is the host")


def test_the_kernels_of_a_device_pass_over_its_own_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """With TensorFlow's CPU in the place of a GPU."""
    import keras

    calls, how = bandwidth._device_kernels(400)
    assert keras.ops.convert_to_numpy(calls["copy"]()).tolist() == [-1.0] * 100
    assert keras.ops.convert_to_numpy(calls["triad"]()).tolist() == [7.0] * 100
    assert how == "tf.function, XLA"
    monkeypatch.setattr(bandwidth.backend, "list_devices", lambda: (Device("CPU:0", "gpu", ""),))
    (row,) = measure_in_turn([prepare_link(MEBIBYTE, PLENTY)], Sampling(5))
    assert row["value"] > 0
    assert row["bytes"] == MEBIBYTE
