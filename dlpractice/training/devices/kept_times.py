"""Times that were measured once on a machine, and are kept in the cache for the runs after."""

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import ClassVar

import tensorflow as tf

from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError, DlpError
from dlpractice.paths import read_file
from dlpractice.training.devices.placement import Placement
from dlpractice.whole_files import replacing

Seconds = Mapping[str, float]
"""How long each of several ways to compute the same takes, by its name."""


@dataclass(frozen=True)
class KeptTimes(Keyed):
    """What some times depend on, with which they are kept.

    `ROOM` says what they are times of, `NAMES` which ways there are.

    Args:
        machine: see `describe_machine`.
    """

    machine: tuple[str, ...]

    ROOM: ClassVar[str]
    NAMES: ClassVar[tuple[str, ...]]

    def read(self) -> dict[str, float]:
        """The times that are kept; none if the file is absent, or damaged: then it is written anew."""
        try:
            found = json.loads(read_file(self._path, 1 << 16))
            seconds = {name: float(found[name]) for name in self.NAMES if name in found}
        except (OSError, ValueError, TypeError, AttributeError, DlpError):
            return {}
        return seconds if all(0 < value < inf for value in seconds.values()) else {}

    def write(self, seconds: Seconds) -> None:
        """Keeps times. Where the cache cannot be written, the next run measures again, and that is all."""
        with suppress(DataError), writing(self._path.parent), replacing(self._path) as new:
            new.write_text(json.dumps(dict(seconds)))

    @property
    def _path(self) -> Path:
        return self.cache_place(self.ROOM) / "seconds.json"


def describe_machine(placement: Placement) -> tuple[str, ...]:
    """The processor, its cores, the models of the devices, and the replicas over all processes."""
    physical = tf.config.list_physical_devices("GPU") if "GPU" in placement.devices[0] else []
    models = [
        str(tf.config.experimental.get_device_details(device).get("device_name", "GPU"))
        for device in physical
    ]
    return (_name_processor(), f"{os.cpu_count()}", *models, *placement.devices, f"{placement.replicas}")


def _name_processor() -> str:
    try:
        lines = read_file(Path("/proc/cpuinfo"), 1 << 22).decode().splitlines()
    except (OSError, ValueError, DlpError):
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
