"""How much energy the device takes: NVIDIA's management library for a GPU, RAPL for a CPU.

Neither is always there: NVML needs the package nvidia-ml-py, and RAPL a Linux that lets its users read it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.measurement import Row
from dlpractice.benchmark.device.timing import Watch
from dlpractice.errors import PathError
from dlpractice.paths import find_matching, read_file

_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class EnergyMeter:
    """A counter of the energy that a device has taken.

    name: what counts. read: the joules since some moment.
    least_seconds: over less, the counter is too coarse.
    wraps: the joules after which it begins at 0 again; None where it does not.
    """

    name: str
    read: Callable[[], float]
    least_seconds: float
    wraps: float | None = None

    def between(self, before: float, after: float) -> float:
        """The joules from one reading to a later one."""
        if after < before and self.wraps is not None:
            return after + self.wraps - before
        return after - before


def find_meter(powercap: Path = _POWERCAP) -> EnergyMeter | None:
    """The meter of the first device; None where there is none that can be read."""
    if backend.list_devices()[0].kind == "cpu":
        return _find_rapl(powercap)
    return _find_nvml()


def measure_energy(meter: EnergyMeter, watch: Watch, images: int) -> Row:
    """The fields of a row: `images_per_joule`, the mean `watts`, and the `meter`; none where it stood still.

    images: how many of them a call of `watch` computes.
    """
    before, started = meter.read(), time.perf_counter()
    calls = watch.run_for(meter.least_seconds)
    joules, seconds = meter.between(before, meter.read()), time.perf_counter() - started
    if joules <= 0:
        return {}
    return {"images_per_joule": calls * images / joules, "watts": joules / seconds, "meter": meter.name}


def _find_nvml() -> EnergyMeter | None:
    """The counter of the first GPU that this process may see."""
    try:
        nvml: Any = import_module("pynvml")
        nvml.nvmlInit()
        handle = _first_gpu(nvml)
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    # No package, no driver, no such counter (before Volta, and on a slice of a GPU).
    except Exception as error:
        if not isinstance(error, ImportError) and type(error).__name__.partition("_")[0] != "NVMLError":
            raise
        return None
    return EnergyMeter(
        "NVML", lambda: float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000, least_seconds=1.0
    )


def _first_gpu(nvml: Any) -> Any:
    """NVML knows all GPUs of the machine, whatever this process is shown of them."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].strip() or "0"
    if first.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(first))
    return nvml.nvmlDeviceGetHandleByUUID(first)


def _find_rapl(powercap: Path) -> EnergyMeter | None:
    """The counters of all processor packages together: Linux powercap, `intel-rapl:N`, AMD's too."""
    packages = [path for path in sorted(find_matching(powercap, "intel-rapl:*")) if path.name.count(":") == 1]
    packages = [path for path in packages if (_read(path / "name") or "").startswith("package")]
    if not packages or any(_number(path / "energy_uj") is None for path in packages):
        return None
    ranges = [_number(path / "max_energy_range_uj") for path in packages]
    # With several packages, nobody could tell which of them has begun again.
    wraps = ranges[0] / 1e6 if len(ranges) == 1 and ranges[0] is not None else None
    return EnergyMeter(
        "RAPL, processor packages",
        lambda: sum(_number(path / "energy_uj") or 0 for path in packages) / 1e6,
        least_seconds=0.3,
        wraps=wraps,
    )


def _number(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text is not None and text.isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return read_file(path, 1 << 12).decode("ascii", "replace").strip()
    except PathError:  # absent, or for root alone
        return None
