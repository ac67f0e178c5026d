"""Whole nets as calls that can be timed, on any backend: inference, and one real step of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from dlpractice.benchmark.device import backend
from dlpractice.benchmark.device.backend import Compiled, backend_name, compile_call

_MOMENTUM = 0.9
_DRAWN = 64


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Makes layers that are built within the block compute in `precision`.

    With half precisions, weights stay in float32, as training needs them.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def prepare_inference(model: keras.Model, *, xla: bool = False) -> Compiled:
    """A call on images (N, S, S, C) on the device, which gives the outputs.

    xla: whether TensorFlow compiles it with XLA.
    """
    if backend_name() != "jax":
        return compile_call(lambda images: model(images, training=False), [model.input_shape], xla=xla)
    # Weights are arguments: a closure over them would compile them into the program as constants.
    weights = _values(model.trainable_variables), _values(model.non_trainable_variables)
    compiled = compile_call(lambda held, images: model.stateless_call(*held, images, training=False)[0])
    return Compiled(lambda images: compiled(weights, images), compiled.how)


def prepare_training(model: keras.Model, learning_rate: float = 1e-3, *, xla: bool = False) -> Compiled:
    """A call that does one training step and gives the loss from before it.

    The call takes images (N, S, S, C) and targets (N, K) on the device. The loss is the mean squared error,
    the optimiser is SGD with a momentum of 0.9. float16 has no loss scaling here. With JAX the weights of
    `model` stay what they were, and the call keeps its own.

    xla: whether TensorFlow compiles the step with XLA.
    """
    optimizer = keras.optimizers.SGD(learning_rate, momentum=_MOMENTUM)
    optimizer.build(model.trainable_variables)
    if backend_name() == "tensorflow":
        return _for_tensorflow(model, optimizer, xla)
    return {"jax": _for_jax, "torch": _for_torch}[backend_name()](model, optimizer)


def output_shape(model: keras.Model, batch: int) -> tuple[int, ...]:
    """The shape of the targets of a batch."""
    return (batch, *model.output_shape[1:])


def input_shape(model: keras.Model, batch: int) -> tuple[int, ...]:
    """The shape of a batch of images."""
    return (batch, *model.input_shape[1:])


def _loss(outputs: Any, targets: Any) -> Any:
    return ops.mean(ops.square(ops.cast(outputs, "float32") - targets))


def _for_tensorflow(model: keras.Model, optimizer: Any, xla: bool) -> Compiled:
    import tensorflow as tf

    def step(images: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(model(images, training=True), targets)
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return compile_call(step, [model.input_shape, model.output_shape], xla=xla)


def _for_jax(model: keras.Model, optimizer: Any) -> Compiled:
    import jax

    def loss_of(trainable: Any, others: Any, images: Any, targets: Any) -> Any:
        outputs, others = model.stateless_call(trainable, others, images, training=True)
        return _loss(outputs, targets), others

    def step(state: Any, images: Any, targets: Any) -> Any:
        trainable, others, slots = state
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            trainable, others, images, targets
        )
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return loss, (trainable, others, slots)

    # Copied, because a call consumes the arrays that are donated to it, and the model must keep its own.
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    held = [tuple([ops.copy(value) for value in _values(group)] for group in groups)]
    compiled = jax.jit(step, donate_argnums=0)

    def call(images: Any, targets: Any) -> Any:
        loss, held[0] = compiled(held[0], images, targets)
        return loss

    return Compiled(call, "jax.jit")


def _for_torch(model: keras.Model, optimizer: Any) -> Compiled:
    import torch

    variables = model.trainable_variables

    def step(images: Any, targets: Any) -> Any:
        model.zero_grad()
        loss = _loss(model(images, training=True), targets)
        loss.backward()
        with torch.no_grad():
            optimizer.apply([variable.value.grad for variable in variables], variables)
        return loss.detach()

    return Compiled(step, "eager")


def _values(variables: Any) -> list[Any]:
    return [variable.value for variable in variables]


def random_batch(shape: tuple[int, ...], rng: Any, top: float = 1.0) -> Any:
    """A batch of random float32 values in 0..top on the device.

    After so many images they are repeated there: drawing thousands of them would take longer than computing.
    """
    drawn = backend.to_device((top * rng.random((min(shape[0], _DRAWN), *shape[1:]))).astype("float32"))
    if shape[0] <= _DRAWN:
        return drawn
    times = -(-shape[0] // _DRAWN)
    return ops.tile(drawn, (times, *(1 for _ in shape[1:])))[: shape[0]]
