"""How much memory a measurement may take: a share of what is free at that moment, on host and device."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from dlpractice.benchmark.device import backend
from dlpractice.errors import PathError
from dlpractice.paths import read_file

VALUE_BYTES = {"float64": 8, "float32": 4, "tf32": 4, "float16": 2, "bfloat16": 2}
"""The bytes of one value, by the precision that computes with it."""

MEBIBYTE = 1 << 20
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryBudget:
    """At most `share`, in (0, 1), of what is free when it is asked."""

    share: float

    def host_bytes(self) -> int:
        """How many bytes may be allocated on the host now."""
        return int(self.share * free_host_bytes())

    def device_bytes(self) -> int:
        """How many bytes may be allocated on the first device now.

        Where the CPU is the device, or nobody can tell, these are the host's.
        """
        free = free_device_bytes()
        return self.host_bytes() if free is None else int(self.share * free)

    def why_not(self, needed: int, *, on_host: bool = False) -> str | None:
        """Why `needed` bytes may not be allocated, in words for a row of the result; None where they may."""
        allowed = self.host_bytes() if on_host else self.device_bytes()
        if needed <= allowed:
            return None
        return (
            f"needs {needed / MEBIBYTE:,.0f} MiB; {allowed / MEBIBYTE:,.0f} MiB are allowed, "
            f"{self.share:.0%} of what is free"
        )


def free_host_bytes(cgroups: Path = _CGROUPS) -> int:
    """How many bytes the host can still give this process, within the limit of its container, if any."""
    available = int(psutil.virtual_memory().available)
    limit = container_limit(cgroups)
    if limit is None:
        return available
    return max(0, min(available, limit - _container_usage(cgroups)))


def container_limit(cgroups: Path = _CGROUPS) -> int | None:
    """How many bytes the container of this process may use in all (cgroups, version 2 or 1).

    None where there is no limit below the machine's memory.
    """
    total = int(psutil.virtual_memory().total)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = _read_number(cgroups / name)
        if limit is not None and limit < total:
            return limit
    return None


def _container_usage(cgroups: Path) -> int:
    """How many bytes are in use and cannot be given back.

    Pages of files that were only read are not counted, since the system can drop them.
    """
    for usage, statistics, key in (
        ("memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        used = _read_number(cgroups / usage)
        if used is not None:
            return max(0, used - _read_statistic(cgroups / statistics, key))
    return 0


def _read_number(path: Path) -> int | None:
    try:
        return int(read_file(path, 2**20))
    except (PathError, ValueError):  # absent, or `max`: no limit
        return None


def _read_statistic(path: Path, key: str) -> int:
    try:
        lines = read_file(path, 2**20).decode("ascii").splitlines()
    except PathError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key} ")), 0)


def free_device_bytes() -> int | None:
    """How many bytes are free on the first GPU, those included that the backend holds and does not use.

    None on a CPU, and where neither backend nor driver can tell.
    """
    if backend.list_devices()[0].kind == "cpu":
        return None
    return backend.free_memory() or _free_by_driver()


def _free_by_driver() -> int | None:
    command = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits", "--id=0"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return int(answer.stdout.split()[0]) * MEBIBYTE
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
