import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.benchmark.device import energy
from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.energy import EnergyMeter, find_meter, measure_energy
from dlpractice.benchmark.device.timing import Watch


class NVMLError_NotSupported(Exception):
    """What the library raises where a card has no such counter."""


class Library:
    """The management library as it answers for two cards; the second has no counter of energy."""

    def __init__(self) -> None:
        self.millijoules = 5000
        self.asked: list[Any] = []

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        self.asked.append(index)
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Any:
        self.asked.append(uuid)
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if handle == 1:
            raise NVMLError_NotSupported
        return self.millijoules


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setitem(sys.modules, "pynvml", made)  # type: ignore[arg-type]
    monkeypatch.setattr(energy.backend, "list_devices", lambda: (Device("GPU:0", "gpu", "NVIDIA H100"),))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return made


def test_a_gpu_is_read_by_the_management_library(library: Library) -> None:
    meter = find_meter()
    assert meter is not None and (meter.name, meter.read()) == ("NVML", 5.0)
    library.millijoules = 12_000
    assert meter.between(5.0, meter.read()) == 7.0


@pytest.mark.parametrize(("shown", "asked"), [("3,1", 3), ("GPU-8a5c,GPU-77", "GPU-8a5c"), ("", 0)])
def test_the_first_gpu_that_the_process_may_see_is_read(
    shown: str, asked: int | str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert find_meter() is not None
    assert library.asked == [asked]


def test_without_the_package_or_the_counter_there_is_no_meter(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert find_meter() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert find_meter() is None


def write_package(powercap: Path, name: str, microjoules: int) -> Path:
    folder = powercap / name
    folder.mkdir()
    (folder / "name").write_text("package-0\n" if name.count(":") == 1 else "dram\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    return folder / "energy_uj"


def test_a_processor_is_read_by_rapl_which_begins_again(tmp_path: Path) -> None:
    counter = write_package(tmp_path, "intel-rapl:0", 999_000_000)
    write_package(tmp_path, "intel-rapl:0:0", 7)  # a part of the package, counted with it
    meter = find_meter(tmp_path)
    assert meter is not None and meter.read() == 999.0
    counter.write_text("2000000")
    assert meter.between(999.0, meter.read()) == pytest.approx(3.0)


def test_without_rapl_there_is_no_meter(tmp_path: Path) -> None:
    assert find_meter(tmp_path) is None
    write_package(tmp_path, "intel-rapl:0", 5).unlink()
    assert find_meter(tmp_path) is None


def test_images_per_joule_are_those_computed_while_the_meter_ran() -> None:
    """Ten calls of eight images take a second and 50 joules."""
    now = SimpleNamespace(seconds=0.0)

    def call() -> None:
        now.seconds += 0.1

    watch = Watch(call, synchronise=lambda _: None, clock=lambda: now.seconds)
    meter = EnergyMeter("by hand", lambda: 50 * now.seconds, least_seconds=0.95)
    row = measure_energy(meter, watch, images=8)
    assert row["images_per_joule"] == pytest.approx(8 / 5)
    assert row["meter"] == "by hand"
    assert measure_energy(EnergyMeter("stuck", lambda: 1.0, 0.1), watch, 8) == {}
