"""How alike two embeddings are: a score for each pair, higher for more alike.

All similarities give the same score for (a, b) and (b, a), and compute in float32 whatever the encoder
computes in. A model is saved with a similarity spelt out in layers of Keras's own, and read with it put
together again. All are registered, since files of earlier versions hold them as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

_PACKAGE = "dlpractice"
_WEIGHTS = "similarity_weights"


class Similarity(keras.layers.Layer):  # type: ignore[misc]
    """The score of two embeddings. Called with [a, b], both (N, D), it scores them row by row: (N,)."""

    def __init__(self, **kwargs: Any) -> None:
        # Without `autocast`, here and below, a model set to half precision leaves embeddings and variables
        # as they are.
        super().__init__(dtype=kwargs.pop("dtype", "float32"), autocast=False, **kwargs)
        self._compiled: Callable[..., Any] | None = None

    def call(self, inputs: list[Any]) -> Any:
        raise NotImplementedError

    def pairs(self, queries: Any, supports: Any) -> Any:
        """The scores of all queries with all supports: (Q, D) and (S, D) -> (Q, S).

        The layer's variables must have been built: by a call, or by `build([(None, D), (None, D)])`.
        """
        raise NotImplementedError

    def compare(self, queries: Any, supports: Any) -> NDArray[np.float32]:
        """`pairs` for arrays of NumPy, compiled: for many small calls outside of a compiled step."""
        if self._compiled is None:
            self._compiled = tf.function(self.pairs, autograph=False, reduce_retracing=True)
        scores = self._compiled(tf.convert_to_tensor(queries), tf.convert_to_tensor(supports))
        return np.asarray(scores)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return (input_shape[0][0],)

    def spell_out(self, first: Any, second: Any) -> Any:
        """The same score, row by row, in layers of Keras's own: two symbolic (N, D) -> (N, 1).

        The names of these layers begin with `similarity`, so that they stay in float32.
        """
        raise NotImplementedError

    def read_back(self, model: keras.Model) -> None:
        """Takes the weights from a model that `spell_out` is part of. The layer must have been built."""

    @property
    def learned(self) -> dict[str, tuple[float, ...]]:
        """What training has found, by name, for whoever computes the score without this layer."""
        return {}

    def learn(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Takes `learned` of another layer of the same kind. Raises KeyError where it is of another one."""

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make another such layer."""
        of_any_layer = super().get_config()
        return {name: value for name, value in self.get_config().items() if name not in of_any_layer}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class WeightedDistance(Similarity):
    """The logit that two images are of one class: bias - sum_d w_d |a_d - b_d|.

    Koch, Zemel and Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition", section 3.1.
    It learns D + 1 numbers: w and the bias.

    The variable holds w_d times the square root of D. An optimiser that moves each variable by a step of the
    same size (Adam) then moves the logit by about the same, whether embeddings are long or short.
    """

    # Activations of unit variance behind a ReLU differ by 0.56 on average, which starts the logit near zero.
    start_bias = 4.0
    start_sum = 7.0

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        dimensions = input_shape[0][-1]
        if dimensions is None:
            raise ValueError("the length of an embedding must be known")
        self.spread = float(dimensions) ** 0.5
        self.kernel = self._add("kernel", (dimensions,), self.start_sum / self.spread)
        self.bias = self._add("bias", (), self.start_bias)

    def _add(self, name: str, shape: tuple[int, ...], start: float) -> Any:
        constant = keras.initializers.Constant(start)
        return self.add_weight(shape=shape, initializer=constant, autocast=False, name=name)

    def spell_out(self, first: Any, second: Any) -> Any:
        bounds = [
            kind(dtype="float32", name=f"similarity_{kind.__name__.lower()}")([first, second])
            for kind in (layers.Maximum, layers.Minimum)
        ]
        distances = layers.Subtract(dtype="float32", name="similarity_distances")(bounds)
        spread = layers.Rescaling(1 / self.spread, dtype="float32", name="similarity_spread")(distances)
        weigh = layers.Dense(1, dtype="float32", name=_WEIGHTS)
        scores = weigh(spread)
        weigh.set_weights([-np.asarray(self.kernel)[:, np.newaxis], np.asarray(self.bias)[np.newaxis]])
        return scores

    def read_back(self, model: keras.Model) -> None:
        kernel, bias = model.get_layer(_WEIGHTS).get_weights()
        self.kernel.assign(-kernel[:, 0])
        self.bias.assign(bias[0])

    @property
    def learned(self) -> dict[str, tuple[float, ...]]:
        """`weights`, the D numbers w_d themselves, and `bias`, a single one."""
        weights = np.asarray(self.kernel) / np.float32(self.spread)
        return {"weights": tuple(weights.tolist()), "bias": (float(np.asarray(self.bias)),)}

    def learn(self, numbers: Mapping[str, Sequence[float]]) -> None:
        (bias,), weights = numbers["bias"], np.asarray(numbers["weights"], np.float32)
        self.build([(None, len(weights))] * 2)
        self.kernel.assign(weights * np.float32(self.spread))
        self.bias.assign(bias)

    @property
    def weights_by_dimension(self) -> Any:
        """w, (D,). Where w_d is positive, a difference in dimension d speaks against one class."""
        return tf.convert_to_tensor(self.kernel) / self.spread

    def call(self, inputs: list[Any]) -> Any:
        first, second = (tf.cast(embeddings, tf.float32) for embeddings in inputs)
        distances = tf.linalg.matvec(tf.abs(first - second), self.weights_by_dimension)
        return tf.convert_to_tensor(self.bias) - distances

    def pairs(self, queries: Any, supports: Any) -> Any:
        first, second = tf.cast(queries, tf.float32), tf.cast(supports, tf.float32)
        distances = _sum_distances(first, second, self.weights_by_dimension)
        return tf.convert_to_tensor(self.bias) - distances


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Cosine(Similarity):
    """The cosine of the angle between two embeddings, times `scale`, which is 1 / temperature."""

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: list[Any]) -> Any:
        first, second = (_normalise(embeddings) for embeddings in inputs)
        return self.scale * tf.reduce_sum(first * second, axis=-1)

    def pairs(self, queries: Any, supports: Any) -> Any:
        return self.scale * tf.matmul(_normalise(queries), _normalise(supports), transpose_b=True)

    def spell_out(self, first: Any, second: Any) -> Any:
        cosine = layers.Dot(axes=1, normalize=True, dtype="float32", name="similarity_cosine")
        scale = layers.Rescaling(self.scale, dtype="float32", name="similarity_scale")
        return scale(cosine([first, second]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class NegativeDistance(Similarity):
    """Minus the squared Euclidean distance of two embeddings.

    unit: whether both embeddings are first divided by their length; the distance then lies in 0..4, whatever
        the number of dimensions.
    """

    def __init__(self, unit: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit = unit

    def call(self, inputs: list[Any]) -> Any:
        first, second = (self._place(embeddings) for embeddings in inputs)
        return -tf.reduce_sum(tf.square(first - second), axis=-1)

    def pairs(self, queries: Any, supports: Any) -> Any:
        first, second = self._place(queries), self._place(supports)
        squares = tf.reduce_sum(tf.square(first), axis=-1)[:, None]
        squares += tf.reduce_sum(tf.square(second), axis=-1)[None, :]
        # Rounding may make the squared distance of two nearly equal embeddings negative.
        return -tf.maximum(squares - 2.0 * tf.matmul(first, second, transpose_b=True), 0.0)

    def spell_out(self, first: Any, second: Any) -> Any:
        if self.unit:
            unit = layers.UnitNormalization(dtype="float32", name="similarity_unit")
            first, second = unit(first), unit(second)
        difference = layers.Subtract(dtype="float32", name="similarity_difference")([first, second])
        square = layers.Dot(axes=1, dtype="float32", name="similarity_square")([difference, difference])
        return layers.Rescaling(-1.0, dtype="float32", name="similarity_sign")(square)

    def _place(self, embeddings: Any) -> Any:
        return _normalise(embeddings) if self.unit else tf.cast(embeddings, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit": self.unit}


SIMILARITIES: dict[str, type[Similarity]] = {
    kind.__name__: kind for kind in (WeightedDistance, Cosine, NegativeDistance)
}
"""All similarities, by the names that model files have for them."""


def _normalise(embeddings: Any) -> Any:
    return tf.math.l2_normalize(tf.cast(embeddings, tf.float32), axis=-1)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _sum_distances(queries: Any, supports: Any, weights: Any) -> tuple[Any, Any]:
    """sum_d w_d |q_id - s_jd|: (Q, D), (S, D), (D,) -> (Q, S).

    It is computed one row at a time, so that the (Q, S, D) differences are never held in memory, nor kept for
    the gradient. The differences of one row fit into the processor's cache, which also makes this two to
    eight times faster than all rows at once.
    """
    sums = tf.map_fn(lambda row: tf.linalg.matvec(tf.abs(row - supports), weights), queries)

    def differentiate(upstream: Any) -> tuple[Any, Any, Any]:
        # |q - s| is sign(q - s) (q - s): both sums of signs are all that any of the three gradients needs.
        by_query = _sum_signs(queries, supports, upstream)
        by_support = _sum_signs(supports, queries, tf.transpose(upstream))
        by_weight = tf.reduce_sum(queries * by_query, axis=0) + tf.reduce_sum(supports * by_support, axis=0)
        return weights * by_query, weights * by_support, by_weight

    return sums, differentiate


def _sum_signs(first: Any, second: Any, factors: Any) -> Any:
    """sum_j f_ij sign(a_id - b_jd): (A, D), (B, D), (A, B) -> (A, D)."""

    def sum_row(row: tuple[Any, Any]) -> Any:
        return tf.linalg.matvec(tf.sign(row[0] - second), row[1], transpose_a=True)

    return tf.map_fn(sum_row, (first, factors), fn_output_signature=tf.float32)
