"""Gradients through a piece of a net, given the gradients of its outputs: on any Keras backend."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from dlpractice.benchmark.device.backend import backend_name

Piece = Callable[[Sequence[Any]], Sequence[Any]]


def pull_back(
    piece: Piece, values: Sequence[Any], variables: Sequence[Any], back: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """The vector-Jacobian product of `piece`, which maps tensors to tensors and reads Keras variables.

    values: the inputs of `piece`.
    variables: the variables that it reads.
    back: the gradients of its outputs.

    Returns the gradients of `values` and of `variables`; zeros where no output depends on them.
    """
    return _PULLS[backend_name()](piece, values, variables, back)


def _pull_tensorflow(
    piece: Piece, values: Sequence[Any], variables: Sequence[Any], back: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    import tensorflow as tf

    sources = [*(tf.identity(value) for value in values), *(variable.value for variable in variables)]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        made = list(piece(sources[: len(values)]))
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(made, sources, list(back), unconnected_gradients=zero)
    return found[: len(values)], found[len(values) :]


def _pull_jax(
    piece: Piece, values: Sequence[Any], variables: Sequence[Any], back: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    import jax

    def pure(inputs: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return list(piece(inputs))

    _, pull = jax.vjp(pure, list(values), [variable.value for variable in variables])
    to_values, to_variables = pull(list(back))
    return to_values, to_variables


def _pull_torch(
    piece: Piece, values: Sequence[Any], variables: Sequence[Any], back: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    import torch

    inputs = [torch.as_tensor(value).detach().requires_grad_() for value in values]
    sources = [*inputs, *(variable.value for variable in variables)]
    with torch.enable_grad():
        made = list(piece(inputs))
        found = torch.autograd.grad(made, sources, list(back), allow_unused=True)
    filled = [
        torch.zeros_like(source) if gradient is None else gradient
        for source, gradient in zip(sources, found, strict=True)
    ]
    return filled[: len(inputs)], filled[len(inputs) :]


_PULLS = {"tensorflow": _pull_tensorflow, "jax": _pull_jax, "torch": _pull_torch}
