"""How rows get to a device: what is sent for some of them, and what the device makes of it.

Little is sent: pixels as they are kept, uint8, and numbers that were drawn; or only which rows are meant, if
the device holds them. Whatever is a float for each pixel is made on the device, in the compiled step.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_Item = TypeVar("_Item")
_AHEAD = 2
_END = object()


class Rows(Protocol):
    """Anything that gives (n, ...) rows for an (n,) array of indices, such as an array or a `RowView`."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[Any]: ...


Receive = Callable[..., Any]
"""From what was sent for n rows, as tensors, to the (n, ...) rows themselves, by operations of TensorFlow;
bytes become float32.

It can be hashed: two that are equal do the same, and are compiled once.
"""


class Supply(Protocol):
    """Rows for a device."""

    def __len__(self) -> int: ...

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Of a row, as the device has it in the end."""
        ...

    @property
    def receive(self) -> Receive:
        """What the device does with what was sent."""
        ...

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """What is sent for the rows at (n,) indices: arrays of n rows, always as many arrays."""
        ...


def as_sent(rows: Any) -> Any:
    """The `Receive` of rows that are sent as they are."""
    return tf.cast(rows, tf.float32) if rows.dtype == tf.uint8 else rows


@dataclass(frozen=True)
class Streamed:
    """Rows that are read, and sent as they are, whenever they are asked for."""

    rows: Rows

    receive = staticmethod(as_sent)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """As `Supply` says."""
        return self.rows[np.zeros(1, np.int64)].shape[1:]

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """The rows themselves."""
        return (self.rows[indices],)


@dataclass(frozen=True)
class Subset:
    """The rows of a supply at (n,) `numbers`, in that order."""

    supply: Supply
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """As `Supply` says."""
        return self.supply.row_shape

    @property
    def receive(self) -> Receive:
        """That of the whole supply."""
        return self.supply.receive

    def send(self, indices: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """As the whole supply does."""
        return self.supply.send(self.numbers[indices])


def read_ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """The items in their order; a thread makes the next two while one is worked with."""
    source = iter(items)
    with ThreadPoolExecutor(1) as reader:
        waiting = deque(reader.submit(next, source, _END) for _ in range(_AHEAD))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(reader.submit(next, source, _END))
            yield item  # type: ignore[misc]
