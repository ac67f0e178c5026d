"""Describes this machine: processor, memory, GPUs, and the versions of their drivers.

What cannot be read is null. Nothing here fails on a machine that tells less than another: a container without
/sys, a host without a driver.
"""

from __future__ import annotations

import csv
import math
import os
import platform
import re
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import cpuinfo
import psutil

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.memory import container_limit
from dlpractice.errors import PathError
from dlpractice.paths import find_matching, read_file

_SYSTEM = Path("/sys")

# The instruction sets that matter to arithmetic on tensors, by their names in /proc/cpuinfo (x86 and ARM).
_INSTRUCTION_SETS = re.compile(r"sse4_2|avx.*|fma|f16c|amx.*|asimd.*|sve.*|sme|sme2|fphp|bf16|i8mm")

# Each field of nvidia-smi, and its name in the result.
_GPU_FIELDS = {
    "name": "name",
    "driver_version": "driver",
    "memory.total": "memory_mib",
    "clocks.max.sm": "clock_max_mhz",
    "clocks.max.memory": "memory_clock_max_mhz",
    "power.limit": "power_limit_w",
    "persistence_mode": "persistence",
    "pcie.link.gen.max": "pcie_generation",
    "pcie.link.width.max": "pcie_lanes",
    "mig.mode.current": "mig",
}
_GPU_PACKAGES = re.compile(
    r"nvidia-(cuda-runtime|cublas|cudnn|nccl)(-cu\d+)?|jaxlib|jax-cuda\d+-plugin|triton"
)


def describe_machine() -> dict[str, Any]:
    """The machine as a result describes it: host, devices of the backend, GPUs of the driver, versions."""
    return {
        "platform": platform.platform(),
        "host": describe_host(),
        "backend": backend.backend_name(),
        "devices": [vars(device) for device in backend.list_devices()],
        "gpus": list_gpus(),
        "versions": {"python": platform.python_version(), **backend.versions(), **_gpu_packages()},
    }


def describe_host(system: Path = _SYSTEM) -> dict[str, Any]:
    """Processor, cores, clocks and memory of the host. Sizes are in bytes, clocks in MHz."""
    known = cpuinfo.get_cpu_info()
    frequency = _clock()
    return {
        "processor": known.get("brand_raw") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": usable_cores(system),
        "threads": backend.thread_count() or math.ceil(usable_cores(system)),
        "instruction_sets": [flag for flag in known.get("flags", ()) if _INSTRUCTION_SETS.fullmatch(flag)],
        "last_level_cache_bytes": last_level_cache(system),
        "memory_bytes": psutil.virtual_memory().total,
        "memory_limit_bytes": container_limit(),
        "clock_mhz": frequency[0],
        "clock_max_mhz": frequency[1],
        "governor": _read(system / "devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average": list(psutil.getloadavg()),
    }


def usable_cores(system: Path = _SYSTEM) -> float:
    """How many logical cores this process may use; need not be whole.

    Its affinity limits them, and so does the share of time that its container has (cgroups, version 2 or 1).
    """
    try:
        cores = float(len(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS and Windows
        cores = float(psutil.cpu_count() or 1)
    quota = _read(system / "fs/cgroup/cpu.max")
    if quota is None:
        parts = [_read(system / f"fs/cgroup/cpu/cpu.cfs_{name}_us") for name in ("quota", "period")]
        quota = " ".join(part or "max" for part in parts)
    given, _, period = quota.partition(" ")
    if re.fullmatch(r"\d+", given) and re.fullmatch(r"\d+", period):
        return min(cores, int(given) / int(period))
    return cores


def last_level_cache(system: Path = _SYSTEM) -> int | None:
    """The bytes of the largest cache that the first core sees; None where the system does not say."""
    sizes = [_read(path) for path in find_matching(system / "devices/system/cpu/cpu0/cache", "index*/size")]
    units = {"K": 1 << 10, "M": 1 << 20, "": 1}
    matches = [re.fullmatch(r"(\d+)([KM]?)", size) for size in sizes if size]
    return max((int(match[1]) * units[match[2]] for match in matches if match), default=None)


def list_gpus(ask: Callable[[list[str]], str | None] | None = None) -> list[dict[str, Any]]:
    """The GPUs that NVIDIA's driver knows, with its version, memory, clocks and links; none without it."""
    answer = (ask or _ask)(
        ["nvidia-smi", f"--query-gpu={','.join(_GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    )
    rows = csv.reader((answer or "").splitlines(), skipinitialspace=True)
    return [
        {name: _number(cell) for name, cell in zip(_GPU_FIELDS.values(), row, strict=True)}
        for row in rows
        if len(row) == len(_GPU_FIELDS)
    ]


def _number(cell: str) -> str | float | None:
    """A cell of nvidia-smi: a number where it is one, text otherwise, None for one in brackets: `[N/A]`.

    The driver puts into brackets what it does not support.
    """
    if cell.startswith("["):
        return None
    return float(cell) if re.fullmatch(r"\d+\.\d+|\d+", cell) else cell


def _ask(command: list[str]) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _clock() -> tuple[float | None, float | None]:
    """The processor's clock in MHz, now and at most; None where psutil says 0, its word for unknown."""
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None, None
    return (frequency.current or None, frequency.max or None) if frequency else (None, None)


def _read(path: Path) -> str | None:
    try:
        return read_file(path, 2**20).decode("ascii").strip()
    except (PathError, UnicodeDecodeError):
        return None


def _gpu_packages() -> dict[str, str]:
    """The versions of the installed Python packages that bring CUDA's libraries."""
    found = {found.name: found.version for found in metadata.distributions() if found.name}
    return {name: found[name] for name in sorted(found) if _GPU_PACKAGES.fullmatch(name)}
