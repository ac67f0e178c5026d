"""Where a model trains: `tf.distribute` for one device and for several, and batches dealt out to replicas.

A global batch is dealt out evenly, and the loss is divided by the global batch, never by a replica's part of
it: averaging the means of uneven parts, as `fit` does, gives other weights than one device would.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from dlpractice.errors import HardwareError

Devices = Literal["auto"] | int | Sequence[str]
"""Which devices: all GPUs or else the CPU, so many of them, or those named."""


class Placement:
    """A `tf.distribute.Strategy` with the two operations that training needs of it."""

    def __init__(self, strategy: tf.distribute.Strategy, devices: tuple[str, ...]) -> None:
        self.strategy = strategy
        self.devices = devices

    @property
    def replicas(self) -> int:
        """How many copies of the model work on a batch."""
        return int(self.strategy.num_replicas_in_sync)

    def deal(self, batch: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays of equal length -> per-replica values that share them out, their sizes differing by one at
        most.

        Fewer rows than replicas are filled up with zeros at the end, because layers fail on an empty batch.
        An example whose weight and targets are zero leaves loss and gradients as they are.
        """
        if self.replicas == 1:
            return tuple(tf.convert_to_tensor(array) for array in batch)
        if (lack := self.replicas - len(batch[0])) > 0:
            batch = [
                np.concatenate([array, np.zeros((lack, *array.shape[1:]), np.asarray(array).dtype)])
                for array in batch
            ]
        bounds = np.linspace(0, len(batch[0]), self.replicas + 1).astype(int)

        def part_of(array: Any) -> Callable[[Any], Any]:
            def part(context: Any) -> Any:
                replica = context.replica_id_in_sync_group
                return tf.convert_to_tensor(array[bounds[replica] : bounds[replica + 1]])

            return part

        return tuple(
            self.strategy.experimental_distribute_values_from_function(part_of(array)) for array in batch
        )

    def collect(self, values: Any) -> np.ndarray:
        """Per-replica results -> one array, in the order in which the batch was dealt."""
        return np.concatenate([value.numpy() for value in self.strategy.experimental_local_results(values)])


def place(devices: Devices = "auto") -> Placement:
    """Chooses devices: all GPUs or else the CPU (`auto`), the first `devices` of them, or those named.

    Several are mirrored (`tf.distribute.MirroredStrategy`). Raises HardwareError, which lists what there is.
    """
    names = _choose(devices)
    if len(names) == 1:
        return Placement(tf.distribute.OneDeviceStrategy(names[0]), tuple(names))
    return Placement(_mirror(tuple(names)), tuple(names))


@cache
def _mirror(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """One for all runs of a process: TensorFlow numbers what devices exchange from the same start for each
    strategy, and of two models of different size would take the one's exchange for the other's."""
    return tf.distribute.MirroredStrategy(names)


def _choose(devices: Devices) -> list[str]:
    gpus, cpus = (_list_devices(kind) for kind in ("GPU", "CPU"))
    if devices == "auto":
        return gpus or cpus[:1]
    if isinstance(devices, int):
        pool = gpus or cpus
        if devices > len(pool):
            raise HardwareError(
                f"hardware.devices asks for {devices} devices; there are {len(pool)}: {', '.join(pool)}",
                f"set hardware.devices to auto, or to at most {len(pool)}",
            )
        return pool[:devices]
    present = {name.upper(): name for name in gpus + cpus}
    wanted = [name if name.startswith("/") else f"/{name}" for name in devices]
    if absent := [name for name in wanted if name.upper() not in present]:
        raise HardwareError(
            f"hardware.devices names {', '.join(absent)}; there are {', '.join(present.values())}",
            "name devices of this machine, or use auto",
        )
    chosen = [present[name.upper()] for name in wanted]
    if repeated := [wanted[index] for index, name in enumerate(chosen) if name in chosen[:index]]:
        raise HardwareError(
            f"hardware.devices names {', '.join(repeated)} more than once", "name each device once"
        )
    return chosen


def _list_devices(kind: str) -> list[str]:
    return [f"/{device.name.split('/device:')[-1]}" for device in tf.config.list_logical_devices(kind)]
