"""What is recorded of a net and its targets before the first step, against sums by hand."""

from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.callback.net_state import copy_weights
from dlpractice.callback.observation import Observation

L = keras.layers
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def describe(model: keras.Model, loss: str, y: Any) -> dict[str, Any]:
    model.compile("sgd", loss)
    model.build(X.shape)
    return Observation(model, (X, np.array(y)), print).describe_start(copy_weights(model), one_batch=False)


def test_what_a_net_adds_to_its_loss_and_drops_and_starts_with() -> None:
    decay, even = keras.regularizers.L2(0.5), "ones"
    hidden = L.Dense(4, "relu", kernel_initializer=even, kernel_regularizer=decay)
    model = keras.Sequential([hidden, L.Dropout(0.2), L.Dropout(0.6), L.Dense(1)])
    found = describe(model, "mse", np.zeros((6, 1)))
    assert found["penalty"] == pytest.approx(0.5 * 3 * 4)
    assert (found["dropout"], found["kernels"], found["even_kernels"]) == (0.6, 2, 1)
    assert describe(keras.Sequential([L.Dense(1)]), "mse", np.zeros((6, 1)))["penalty"] == 0


@pytest.mark.parametrize(
    ("loss", "units", "y", "form"),
    [
        ("sparse_categorical_crossentropy", 3, [0, 2, 2, 1, 2, 2], (True, None, [1, 1, 4])),
        ("sparse_categorical_crossentropy", 3, [0.0, 0.5, 2, 1, 2, 2], (False, None, [2, 1, 3])),
        ("categorical_crossentropy", 2, np.eye(2)[[0, 1, 1, 1, 1, 1]], (True, [1, 1], [1, 5])),
        ("mse", 2, [[0, 0], [1, 1], [0, 1], [0.5, 0], [0, 0], [0, 0]], (False, [0, 2], None)),
        ("mse", 1, [[0], [1], [0], [5], [0], [0]], (True, None, None)),
    ],
)
def test_the_form_of_targets(loss: str, units: int, y: Any, form: tuple[bool, Any, Any]) -> None:
    targets = describe(keras.Sequential([L.Dense(units, "softmax" if units > 1 else None)]), loss, y)[
        "targets"
    ]
    assert (targets["whole"], targets["sums"], targets.get("counts")) == form
