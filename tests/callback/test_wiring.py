"""How the layers of a net follow each other, against nets whose wiring is known."""

from collections.abc import Sequence

import keras
import numpy as np
import pytest

from dlpractice.callback.net_state import copy_weights, look
from dlpractice.callback.wiring import describe_wiring
from dlpractice.training.diagnostics.net_layers import Document

L = keras.layers
X = np.ones((2, 6), np.float32)


def describe(model: keras.Model) -> Document:
    model.build(X.shape)
    return describe_wiring(look(model, (X, None), copy_weights(model), training=True).calls)


@pytest.mark.parametrize(
    ("layers", "after", "linear"),
    [
        ([L.Dense(4, "relu"), L.Dense(2, "softmax")], [], None),
        ([L.Dense(4), L.Dense(2, "softmax")], [], 2),
        ([L.Dense(2, "softmax")], [], 1),
        ([L.Dense(4), L.BatchNormalization(), L.Dropout(0.5), L.Dense(2)], [], 2),
        ([L.Dense(4), L.Activation("tanh"), L.Dense(2)], [], None),
        ([L.Dense(4), L.LeakyReLU(), L.Dense(2)], [], None),
        ([L.Dense(4, "softmax"), L.Dense(2, "sigmoid", name="last")], ["last"], None),
        ([L.Dense(4), L.Softmax(), L.Dropout(0.5), L.Dense(2, name="last")], ["last"], None),
        ([L.Dense(2, "softmax"), L.Softmax(name="last")], ["last"], 1),
        ([L.Dense(4, "softmax"), L.LayerNormalization(), L.Dense(2)], [], None),
    ],
)
def test_layers_in_a_row(layers: Sequence[keras.layers.Layer], after: list[str], linear: int | None) -> None:
    assert describe(keras.Sequential(layers)) == {"after_softmax": after, "linear_layers": linear}


def test_what_happens_between_layers_leaves_a_net_unjudged() -> None:
    inputs = keras.Input((6,))
    hidden = keras.ops.relu(L.Dense(4)(inputs))
    assert describe(keras.Model(inputs, L.Dense(2)(hidden)))["linear_layers"] is None


def test_weights_of_attention_are_no_input() -> None:
    """A softmax that weighs other values stands where it belongs."""
    inputs = keras.Input((6,))
    shares = L.Dense(4, "softmax")(inputs)
    values = L.Dense(4)(inputs)
    assert describe(keras.Model(inputs, L.Dense(2)(L.Multiply()([values, shares]))))["after_softmax"] == []
