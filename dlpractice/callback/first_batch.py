"""The first batch of a training. A callback is not given it: it is taken on its way from `fit` to the net."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from dlpractice.errors import HardwareError


class FirstBatch:
    """Keeps the first batch that `fit` trains on, and hands it on to the training.

    values: what the data gave for the batch, (x, y) or (x, y, sample_weight), class weights among these; None
    until a step was taken. missing: why there are none, a sentence; "" where there are.
    """

    def __init__(self) -> None:
        self.values: Any = None
        self.missing = ""

    def expect(self, model: keras.Model, prepare: Callable[[], None]) -> None:
        """Take the batch of the next step of `model`, and call `prepare` before that step.

        To be called once `fit` has made the train function.
        """
        train = model.train_function

        def look_and_train(*arguments: Any) -> Any:
            model.train_function = train
            given = self._look(arguments, model.steps_per_execution)
            prepare()
            return train(*given)

        model.train_function = look_and_train

    def _look(self, arguments: Sequence[Any], count: int) -> Sequence[Any]:
        """Keeps the batch in the arguments of a train function, and gives the arguments to call it with.

        They are an iterator under TensorFlow, the state and an iterator under JAX, and a list of one batch
        under torch. An iterator that was read is replaced by one that gives the same again.
        """
        *before, data = arguments
        if keras.backend.backend() == "torch":
            self.values = data[0]
        elif keras.backend.backend() == "jax":
            self.values, data = _take(data)
        else:
            try:
                self.values, data = _take_from_dataset(data, count)
            except HardwareError as error:
                self.missing = error.message
        return *before, data


def _take(data: Iterator[Any]) -> tuple[Any, Iterator[Any]]:
    first = next(data)
    return first, itertools.chain([first], data)


def _take_from_dataset(data: Any, count: int) -> tuple[Any, Any]:
    """The first batch of an iterator of `tf.data`, and another iterator for the `count` batches of the step.

    It has the same type, so that TensorFlow neither traces the step again nor computes it in another way.

    Raises:
        HardwareError: a `tf.distribute` strategy gives the batches out, or they cannot be handed on.
    """
    import tensorflow as tf

    passed = (tf.TensorSpec, tf.RaggedTensorSpec, tf.SparseTensorSpec)
    if not isinstance(data, tf.data.Iterator):
        raise HardwareError("the batches are given out by a tf.distribute strategy")
    if not all(isinstance(spec, passed) for spec in tf.nest.flatten(data.element_spec)):
        raise HardwareError("the batches have parts that are absent, or are no tensors")
    taken = list(itertools.islice(data, count))
    if not taken:
        raise StopIteration
    again = tf.data.Dataset.from_generator(lambda: iter(taken), output_signature=data.element_spec)
    return taken[0], iter(again)
