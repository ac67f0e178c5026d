"""What a run was made with, for whoever wants to repeat it."""

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from dlpractice.runs.commit import describe_commit
from dlpractice.training.devices.precision_choice import Choice

_PACKAGES = ("dlpractice", "tensorflow", "keras", "numpy", "pillow", "scikit-learn")
_IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn"}


def describe_environment(
    *,
    seed: int,
    devices: Sequence[str],
    replicas: int,
    precision: Choice,
    deterministic: bool,
    data: Mapping[str, str],
    weights: Mapping[str, str | None],
) -> dict[str, Any]:
    """What environment.json holds; None is what cannot be found out, which keeps no run from training.

    deterministic: as the config has it. devices: of this process; replicas: how many there are over all
    processes. data: root and digest; weights: origin and digest.
    """
    name, timings = precision
    return {
        "versions": {
            "python": platform.python_version(),
            **{package: _find_version(package) for package in _PACKAGES},
        },
        "platform": _try(platform.platform),
        "processor": _try(platform.processor) or _try(platform.machine),
        "devices": list(devices),
        "replicas": replicas,
        "precision": name,
        "precision_timings_seconds": dict(timings),
        "compilation": {},
        "deterministic": deterministic,
        "seed": seed,
        "data": dict(data),
        "weights": dict(weights),
        "git": _try(describe_commit),
    }


def _find_version(package: str) -> str | None:
    """What the installation says; or else the package itself, which goes by another name there in builds of
    others, and by none in a checkout that is not installed."""
    installed = _try(lambda: metadata.version(package))
    loaded = sys.modules.get(_IMPORTED_AS.get(package, package))
    return installed or getattr(loaded, "__version__", None)


def _try(ask: Callable[[], str | None]) -> str | None:
    """The answer; None where there is none. What is asked goes by way of files of the system and of other
    programs, and may fail in ways that nobody can list."""
    try:
        return ask() or None
    except Exception:
        return None
