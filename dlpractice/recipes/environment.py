"""What a run was made with, for whoever wants to repeat it."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import dlpractice
from dlpractice.recipes.setup import Setup

_PACKAGES = ("dlpractice", "tensorflow", "keras", "numpy", "pillow", "scikit-learn")


def describe_environment(seed: int, setup: Setup) -> dict[str, Any]:
    """What environment.json holds."""
    weights = setup.classifier.weights
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in _PACKAGES},
        },
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "devices": list(setup.placement.devices),
        "precision": setup.precision,
        "precision_timings_seconds": dict(setup.timings),
        "seed": seed,
        "data": {"root": str(setup.dataset.root), "digest": setup.dataset.digest},
        "weights": {"origin": weights.origin, "digest": weights.digest},
        "git": _describe_git(),
    }


def _describe_git() -> str | None:
    """The commit that the package runs from, `-dirty` where it was changed; None outside a checkout."""
    folder = Path(dlpractice.__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
