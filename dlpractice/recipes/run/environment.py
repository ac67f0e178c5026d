"""What a run was made with, for whoever wants to repeat it."""

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from dlpractice.runs.commit import describe_commit
from dlpractice.training.devices.precision_choice import Choice

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
