"""How many products a net computes for an image: the measure of its cost that no clock disturbs."""

from math import prod
from typing import Any

import keras


def count_products(model: keras.Model) -> int:
    """The multiplications of a forward pass of one image: each weight of a kernel, once at each position of
    what its layer gives.

    Dense layers, and convolutions of every kind, have all but a few percent of a net's arithmetic; the rest
    of the layers is left out. A training step takes about three times as many, since the gradient of the
    weights and that of the inputs take as many products each (Kaplan et al. 2020, arXiv:2001.08361, section
    2.1).

    model: has a fixed input size.
    """
    return sum(_count_layer(layer) for layer in model.layers)


def _count_layer(layer: Any) -> int:
    if isinstance(layer, keras.Model):
        return count_products(layer)
    kernels = [variable for variable in layer.weights if len(variable.shape) >= 2]
    if not kernels:
        return 0
    positions = prod(layer.output.shape[1:-1])
    return int(positions * sum(prod(kernel.shape) for kernel in kernels))
