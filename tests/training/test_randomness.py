"""The same seed gives the same start; another seed another one."""

import keras
import numpy as np
from numpy.typing import NDArray

from dlpractice.training.randomness import seed_everything


def draw(seed: int) -> tuple[list[str], list[NDArray[np.float32]]]:
    seed_everything(seed)
    inputs = keras.Input((6,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(5)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    dropped = [np.asarray(model(np.ones((8, 6), np.float32), training=True)) for _ in range(2)]
    assert not np.array_equal(*dropped)
    return [layer.name for layer in model.layers], [*model.get_weights(), *dropped]


def test_weights_dropout_and_names_are_a_function_of_the_seed() -> None:
    names, values = draw(3)
    again_names, again = draw(3)
    assert names == again_names
    for ours, theirs in zip(values, again, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = draw(4)[1]
    assert not np.array_equal(values[0], other[0])
    assert not np.array_equal(values[-1], other[-1])
