"""The forward pass of a net in inference mode, on any placement, for one batch and for many."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.training.batches.supply import Receive, Supply, as_sent, read_ahead
from dlpractice.training.devices.compilation import compile_by_xla
from dlpractice.training.devices.placement import Placement, fill_up

# Numbers in the rows of a batch, by whether GPUs compute, and its rows. On a CPU larger batches take more
# memory and no less time, but of small rows there have to be some for the call to be worth it.
_MOST_NUMBERS = {False: 2**21, True: 2**30}
_LEAST_ROWS, _MOST_ROWS = 32, 256


@dataclass(frozen=True)
class Forward:
    """A compiled forward pass, from (n, ...) inputs to the (n, ...) outputs in inference mode.

    Args:
        begin: from what a `Supply` sends for a batch, and its `Receive`, to a function that waits for the
            outputs: an array, or a list of them if the model has several. The devices compute meanwhile.
        most: the numbers that the rows of a batch should hold at most.
    """

    begin: Callable[[Sequence[NDArray[Any]], Receive], Callable[[], Any]]
    most: int = _MOST_NUMBERS[False]

    def __call__(self, inputs: NDArray[Any]) -> Any:
        """The outputs for an array of inputs."""
        return self.begin((inputs,), as_sent)()


def compile_forward(model: keras.Model, placement: Placement, *, compiled: bool = False) -> Forward:
    """Compiles the model's forward pass, once for each size of batch and each `Receive`.

    compiled: whether XLA compiles the net; what is sent is received outside of that.
    """

    def infer(inputs: Any) -> Any:
        return model(inputs, training=False)

    @cache
    def compile_with(receive: Receive) -> Callable[[Any], Any]:
        def compute(*part: Any) -> Any:
            return (compile_by_xla(infer) if compiled else infer)(receive(*part))

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def run(batch: Any) -> Any:
            return placement.strategy.run(compute, args=batch)

        return run  # type: ignore[no-any-return]

    def begin(sent: Sequence[NDArray[Any]], receive: Receive) -> Callable[[], Any]:
        count = len(sent[0])
        # The batch is filled up before it is shared out, so that the extra rows come last in what is
        # collected.
        sent = [fill_up(part, placement.replicas) for part in sent]
        own = placement.share(len(sent[0]))
        outputs = compile_with(receive)(placement.deal([part[own] for part in sent]))

        def wait() -> Any:
            # Each output is collected by itself, in the same order on all workers.
            flat = [placement.collect(values)[:count] for values in _list_outputs(outputs)]
            return flat if isinstance(outputs, list) else flat[0]

        return wait

    return Forward(begin, _MOST_NUMBERS[placement.is_on_gpus])


def _list_outputs(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def forward_parts(forward: Forward, supply: Supply, batch_size: int) -> Iterator[Any]:
    """The outputs for all rows of `supply`, in order, a batch at a time."""
    return (outputs for _, outputs in _forward_in_turn(forward, [(supply, batch_size)]))


def _forward_in_turn(forward: Forward, tasks: Sequence[tuple[Supply, int]]) -> Iterator[tuple[int, Any]]:
    """The outputs for all rows of several supplies, each given with the size of its batches: a batch at a
    time, with the number of its supply.

    The devices compute a batch while the next is read and the one before is fetched and worked with, also
    where one supply ends and the next begins. Where a supply has several batches, the last one is filled up
    to the size of the others, for which the net is compiled already.
    """
    begun: deque[tuple[int, int, Callable[[], Any]]] = deque()

    def finish() -> tuple[int, Any]:
        number, count, wait = begun.popleft()
        outputs = wait()
        cut = [values[:count] for values in outputs] if isinstance(outputs, list) else outputs[:count]
        return number, cut

    for number, count, sent in read_ahead(_read_batches(tasks)):
        begun.append((number, count, forward.begin(sent, tasks[number][0].receive)))
        if len(begun) > 1:
            yield finish()
    while begun:
        yield finish()


def _read_batches(tasks: Sequence[tuple[Supply, int]]) -> Iterator[tuple[int, int, list[Any]]]:
    """The batches of all supplies: the number of the supply, how many rows there are, and what is sent for
    them and for the rows that fill the batch up."""
    for number, (supply, batch_size) in enumerate(tasks):
        size = min(batch_size, len(supply))
        for start in range(0, len(supply), batch_size):
            rows = np.arange(start, min(start + size, len(supply)))
            yield number, len(rows), [fill_up(part, size) for part in supply.send(rows)]


def forward_all(forward: Forward, supply: Supply, batch_size: int = 0) -> NDArray[np.float32]:
    """The outputs for all rows of `supply`, in order, of a model with one output.

    batch_size: the most rows of a batch; 0: as many as is good for the device.
    """
    return forward_each(forward, [supply], batch_size)[0]


def forward_each(
    forward: Forward, supplies: Sequence[Supply], batch_size: int = 0
) -> list[NDArray[np.float32]]:
    """`forward_all` for several supplies, between which the devices need not wait.

    Each has as few batches as are needed, as equal as can be: so few rows are needed to fill the last one up.
    """
    tasks = []
    for supply in supplies:
        most = batch_size or min(_MOST_ROWS, max(_LEAST_ROWS, forward.most // math.prod(supply.row_shape)))
        batches = max(1, -(-len(supply) // most))
        tasks.append((supply, -(-len(supply) // batches)))
    parts: list[list[NDArray[np.float32]]] = [[] for _ in supplies]
    for number, outputs in _forward_in_turn(forward, tasks):
        parts[number].append(outputs)
    return [np.concatenate(found) for found in parts]


def losses_and_predictions(
    logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(N, K) logits -> (N,) cross-entropies in nats and (N,) predicted classes."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return losses, logits.argmax(axis=1)
