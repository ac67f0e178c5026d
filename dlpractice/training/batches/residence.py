"""Rows that lie on the devices for the whole run, so that a batch of them is no more than their numbers."""

import gc
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.batches.supply import Rows, Streamed, Supply, as_sent
from dlpractice.training.devices.placement import Placement


@dataclass(frozen=True, eq=False)
class Held:
    """The `Receive` that reads rows, by their numbers, from what the replica's own device holds.

    Args:
        copies: a variable of (N, ...) rows for each replica of this process. They are variables because
            TensorFlow has no kernel for GPUs that picks rows of bytes out of a tensor, and would send the
            whole tensor to the CPU for it; out of a variable it has.
    """

    placement: Placement
    copies: tuple[tf.Variable, ...]

    def __call__(self, numbers: Any) -> Any:
        """(n,) int32 -> (n, ...) rows."""
        return as_sent(tf.gather(self.copies[self.placement.local_replica()], numbers))


@dataclass(frozen=True)
class Resident:
    """Rows that every device of this process holds."""

    receive: Held

    def __len__(self) -> int:
        return int(self.receive.copies[0].shape[0])

    @property
    def row_shape(self) -> tuple[int, ...]:
        """As `Supply` says."""
        return tuple(self.receive.copies[0].shape[1:])

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """Only the numbers of the rows."""
        return (indices.astype(np.int32),)


def hold(rows: Rows, placement: Placement) -> Resident:
    """Copies all rows to every device of this process."""
    everything = rows[np.arange(len(rows))]
    copies = []
    for device in placement.strategy.extended.worker_devices:
        with tf.device(device):
            copies.append(tf.Variable(everything, trainable=False))
    return Resident(Held(placement, tuple(copies)))


@dataclass
class Residence:
    """The part of the devices' memory in which rows may lie for the whole run.

    Args:
        room: bytes that are left on each device. 0 where the device is a CPU: its memory is that in which the
            system keeps the files that were read, and the rows would lie there twice.
    """

    placement: Placement
    room: int
    _settled: dict[int, tuple[Rows, Supply]] = field(default_factory=dict)

    def supply(self, rows: Rows) -> Supply:
        """Rows that are held by the devices if there is room for them, and streamed if not.

        The same rows are held once, however often they are asked for.
        """
        if id(rows) not in self._settled:
            self._settled[id(rows)] = rows, self._settle(rows)  # holding `rows` keeps the id from others
        return self._settled[id(rows)][1]

    def _settle(self, rows: Rows) -> Supply:
        row = rows[np.zeros(1, np.int64)] if len(rows) else np.empty(0)
        size = len(rows) * prod(row.shape) * row.dtype.itemsize
        if not 0 < size <= self.room:
            return Streamed(rows)
        self.room -= size
        return hold(rows, self.placement)


def open_residence(placement: Placement, share: float) -> Residence:
    """A residence in `share` of the memory of the smallest device that trains."""
    room = int(share * placement.device_memory())
    if room:
        gc.collect()  # what an earlier run of this process held is let go of only with its compiled functions
    return Residence(placement, room)
