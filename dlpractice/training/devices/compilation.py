"""What XLA compiles of a step or a forward pass, and what it cannot.

XLA makes one program of a function: on a GPU, a step is then launched in one piece and not as a thousand
small operations. A function that it compiles must hold no exchange between replicas (TensorFlow then says
"`merge_call` called while defining a new graph", or that CollectiveReduceV2 has no kernel), and nothing that
XLA has no kernel for, such as the warping of images. It is compiled once for each shape of its inputs.

Of the gradients, that of max pooling is replaced by one that XLA compiles where runs have to be repeatable.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.training.devices.pooling_gradient import REPEATABLE_GRADIENTS

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From a function of tensors to one that computes the same."""


def compile_by_xla(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `Compiler`. To be called while a graph is traced, once for each replica: a function that was traced
    for one of them would read the variables of that one.

    Whoever differentiates what it gives has `REPEATABLE_GRADIENTS` of what the function does, whichever layer
    does it. A tape inside of the function itself would take TensorFlow's own.
    """

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def compiled(*arguments: Any) -> Any:
        with tf.compat.v1.get_default_graph().gradient_override_map(REPEATABLE_GRADIENTS):
            return function(*arguments)

    return compiled  # type: ignore[no-any-return]


def leave_as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `Compiler` that leaves a function to TensorFlow's own kernels."""
    return function


def normalises_batches(model: keras.Model) -> bool:
    """Whether a layer of `model`, in training, normalises by the statistics of the whole batch.

    On several replicas, such layers exchange their sums in the midst of the net: no step can be compiled.
    """
    layers = model._flatten_layers(include_self=False)
    return any(isinstance(layer, FusedBatchNormalization) and layer.trainable for layer in layers)
