from typing import Any

import keras
import pytest

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.measurement import RAN_OUT, Figure, NetRow
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.peak_memory import PeakMemory
from dlpractice.benchmark.device.time_limit import NO_TIME, TimeLimit
from dlpractice.benchmark.device.timing import Sampling, Watch
from dlpractice.benchmark.models import batch_figures
from dlpractice.benchmark.models.batch_figures import choose_batch_sizes, warm_up_batches
from dlpractice.benchmark.models.counting import count_work
from dlpractice.config.sections.benchmark import Models
from dlpractice.progress import Silent

GPU = (Device("GPU:0", "gpu", "NVIDIA H100 80GB HBM3"),)
ROW = NetRow("koch", "inference")


@pytest.fixture(scope="module")
def net() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


@pytest.fixture
def warmed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A card whose memory holds batches of up to a thousand; notes those that were tried."""
    tried: list[int] = []

    def warm_up(net: Any, call: Any, batch: int, *_: Any) -> Watch | None:
        tried.append(batch)
        now = [0.0]

        def step() -> None:
            now[0] += 1e-3

        return Watch(step, synchronise=lambda _: None, clock=lambda: now[0]) if batch <= 1000 else None

    monkeypatch.setattr(batch_figures.backend, "list_devices", lambda: GPU)
    monkeypatch.setattr(batch_figures, "warm_up", warm_up)
    monkeypatch.setattr(MemoryBudget, "device_bytes", lambda self: 10**12)
    monkeypatch.setattr("dlpractice.benchmark.device.peak_memory.read_usage", lambda: None)
    return tried


def figures(net: keras.Model, section: Models, limit: TimeLimit, time: TimeLimit) -> list[Figure]:
    context = Context(Sampling(5), MemoryBudget(0.5), Silent(), 0, time=time)
    return list(warm_up_batches(net, count_work(net), ROW, section, context, limit, PeakMemory()))


def test_sizes_are_those_of_the_device_unless_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_batch_sizes(Models()) == ((1, 8), False)
    monkeypatch.setattr(batch_figures.backend, "list_devices", lambda: GPU)
    assert choose_batch_sizes(Models()) == ((1, 8, 64, 256), True)
    assert choose_batch_sizes(Models(batch_sizes=(8, 2, 8))) == ((2, 8), False)


def test_a_gpu_is_filled_by_doubling_and_running_out_of_memory_is_no_end(
    net: keras.Model, warmed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_figures, "arithmetic_of", lambda precision: precision)
    found = figures(net, Models(), TimeLimit(), TimeLimit())
    assert warmed == [1, 8, 64, 256, 512, 1024]
    assert [figure.notes["batch"] for figure in found] == [1, 8, 64, 256, 512]
    assert [figure.notes.get("largest_that_fits", False) for figure in found] == [False] * 4 + [True]


def test_a_size_of_the_config_that_does_not_fit_is_a_row_that_says_so(
    net: keras.Model, warmed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_figures, "arithmetic_of", lambda precision: precision)
    first, second = figures(
        net, Models(batch_sizes=(1, 2000), longest_call_seconds=60), TimeLimit(), TimeLimit()
    )
    assert first.watch is not None
    assert (second.watch, second.why) == (None, RAN_OUT)


def test_without_time_the_first_size_alone_is_measured_and_without_any_none(
    net: keras.Model, warmed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_figures, "arithmetic_of", lambda precision: precision)
    over = TimeLimit(0.0)
    found = figures(net, Models(), over, TimeLimit())
    assert [figure.why for figure in found] == [None, NO_TIME, NO_TIME, NO_TIME]
    assert [figure.why for figure in figures(net, Models(), over, over)] == [NO_TIME] * 4
    assert warmed == [1]
