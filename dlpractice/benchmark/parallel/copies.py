"""Copies of a net on which two ways to compute the same numbers can be compared.

The gradient of a ReLU jumps where its input crosses zero, and that of a maximum where two inputs are equal.
In float32, another order of summation moves an input by about 1e-6. Among some hundred thousand inputs, now
and then one crosses zero because of that, and the gradients of all layers before it then differ by 1e-4: on
one processor and not on another, although both computations are right.
"""

from typing import Any

import keras
import numpy as np

from dlpractice.benchmark.models.graphs import like

_SMOOTH_POOLS = {
    keras.layers.MaxPooling1D: keras.layers.AveragePooling1D,
    keras.layers.MaxPooling2D: keras.layers.AveragePooling2D,
    keras.layers.MaxPooling3D: keras.layers.AveragePooling3D,
}


def copy_without_kinks(net: keras.Model) -> keras.Model:
    """A copy of `net` with SiLU in place of each ReLU, and a mean in place of each maximum.

    SiLU: Elfwing et al. 2018, arXiv:1702.03118. The weights are those of `net`. Where all values of a weight
    are equal, as in biases of zero, noise is added, since otherwise nobody could see that a device has a
    wrong share of them.
    """
    copy = keras.models.clone_model(net, clone_function=_without_kink)
    rng = np.random.default_rng(0)
    copy.set_weights([_vary(weight, rng) for weight in net.get_weights()])
    return copy


def copy_in_float64(net: keras.Model) -> keras.Model:
    """A copy of `net` with the same weights that computes in float64, from inputs that it rounds to float32.

    There an input of a ReLU moves by 1e-15, and practically never crosses zero. Only for TensorFlow: under
    JAX and PyTorch, some of Keras's layers round to float32.
    """

    def widen(layer: Any) -> Any:
        return like(layer, dtype="float64")

    copy = keras.models.clone_model(net, clone_function=widen)
    copy.set_weights(net.get_weights())
    return copy


def _without_kink(layer: Any) -> Any:
    if isinstance(layer, keras.layers.ReLU):
        return keras.layers.Activation("silu", name=layer.name, dtype=layer.dtype_policy)
    changes = {"activation": "silu"} if layer.get_config().get("activation") == "relu" else {}
    return like(layer, _SMOOTH_POOLS.get(type(layer)), **changes)


def _vary(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`weight`, with noise where all its values are equal; the noise is positive, as variances must be."""
    noise = 0.1 * rng.random(weight.shape).astype(weight.dtype)
    return weight + noise if np.ptp(weight) == 0 else weight
