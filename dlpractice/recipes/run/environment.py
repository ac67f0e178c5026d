"""What a run was made with, for whoever wants to repeat it."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlpractice

if TYPE_CHECKING:
    from dlpractice.training.devices.precision_choice import (
        Choice,
    )  # it imports TensorFlow, which a benchmark can do without

_PACKAGES = ("dlpractice", "tensorflow", "keras", "numpy", "pillow", "scikit-learn")


def describe_environment(
    *,
    seed: int,
    devices: Sequence[str],
    replicas: int,
    precision: Choice,
    data: Mapping[str, str],
    weights: Mapping[str, str | None],
) -> dict[str, Any]:
    """What environment.json holds. devices: of this process; replicas: how many there are over all processes.
    data: root and digest; weights: origin and digest."""
    name, timings = precision
    return {
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in _PACKAGES},
        },
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "devices": list(devices),
        "replicas": replicas,
        "precision": name,
        "precision_timings_seconds": dict(timings),
        "seed": seed,
        "data": dict(data),
        "weights": dict(weights),
        "git": describe_commit(),
    }


def describe_commit() -> str | None:
    """The commit that the package runs from, `-dirty` where it was changed; None outside a checkout."""
    folder = Path(dlpractice.__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
