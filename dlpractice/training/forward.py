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
    """The outputs for all rows of `supply`, in order, a batch at a time.

    The devices compute a batch while the next is read and the one before is fetched and worked with. Where
    there are several batches, the last one is filled up to the size of the others, for which the net is
    compiled already.
    """
    starts = range(0, len(supply), batch_size)
    size = min(batch_size, len(supply))
    batches = (np.arange(start, min(start + size, len(supply))) for start in starts)
    begun: deque[tuple[int, Callable[[], Any]]] = deque()

    def finish() -> Any:
        count, wait = begun.popleft()
        outputs = wait()
        return [values[:count] for values in outputs] if isinstance(outputs, list) else outputs[:count]

    for count, sent in read_ahead((len(batch), supply.send(batch)) for batch in batches):
        begun.append((count, forward.begin([fill_up(part, size) for part in sent], supply.receive)))
        if len(begun) > 1:
            yield finish()
    while begun:
        yield finish()


def forward_all(forward: Forward, supply: Supply, batch_size: int = 0) -> NDArray[np.float32]:
    """The outputs for all rows of `supply`, in order, of a model with one output.

    As few batches as are needed, as equal as can be: so few rows are needed to fill the last one up.

    batch_size: the most rows of a batch; 0: as many as is good for the device.
    """
    if not batch_size:
        batch_size = min(_MOST_ROWS, max(_LEAST_ROWS, forward.most // math.prod(supply.row_shape)))
    batches = max(1, -(-len(supply) // batch_size))
    return np.concatenate(list(forward_parts(forward, supply, -(-len(supply) // batches))))


def losses_and_predictions(
    logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(N, K) logits -> (N,) cross-entropies in nats and (N,) predicted classes."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return losses, logits.argmax(axis=1)
