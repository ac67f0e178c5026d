"""What flows through small nets whose values are known."""

from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.training.diagnostics.activations import Flow
from dlpractice.training.diagnostics.net_layers import activation_of, describe_values, walk


def rows() -> Any:
    return np.random.default_rng(0).normal(1, 2, size=(32, 6)).astype(np.float32)


def build(activation: str = "relu", bias: Any = 0.0) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(16, activation=activation, name="hidden")
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(hidden(inputs)))
    hidden.bias.assign(np.broadcast_to(np.float32(bias), 16))
    return model


def idle(model: keras.Model, values: Any) -> dict[str, Any]:
    return Flow(model, model.inputs).measure(values, training=False)[2]


def test_the_range_of_values() -> None:
    assert describe_values([[0, 2], [4, 2]]) == {"low": 0, "high": 4, "mean": 2, "std": pytest.approx(2**0.5)}


def test_dead_units_are_those_that_no_example_wakes() -> None:
    assert idle(build(bias=-100.0), rows()) == {"hidden": {"dead": 1.0}}
    half = np.where(np.arange(16) < 4, -100.0, 100.0)
    assert idle(build(bias=half), rows()) == {"hidden": {"dead": 0.25}}


def test_a_channel_is_dead_where_it_is_zero_at_every_place() -> None:
    images = keras.Input((4, 4, 1))
    conv = keras.layers.Conv2D(2, 1, name="conv")
    model = keras.Model(images, keras.layers.Activation("relu", name="relu")(conv(images)))
    conv.set_weights([np.ones((1, 1, 1, 2), np.float32), np.array([0.0, -1.5], np.float32)])
    values = np.zeros((3, 4, 4, 1), np.float32)
    values[2, 1, 3] = 1.0
    assert idle(model, values) == {"relu": {"dead": 0.5}}
    values[2, 1, 3] = 2.0
    assert idle(model, values) == {"relu": {"dead": 0.0}}


@pytest.mark.parametrize(("kind", "end"), [("tanh", 3.0), ("sigmoid", 6.0)])
def test_saturated_are_values_at_the_flat_ends(kind: str, end: float) -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Activation(kind, name="squash")(inputs))
    values = np.array([[-end - 0.1, -end + 0.1, end - 0.1, end + 0.1]], np.float32)
    assert idle(model, values) == {"squash": {"saturated": 0.5}}


def test_what_the_first_trained_layer_sees() -> None:
    model = build()
    flow = Flow(model, model.inputs)
    output, seen, _ = flow.measure(rows(), training=False)
    assert seen == {"layer": "hidden"} | describe_values(rows())
    np.testing.assert_allclose(output, model(rows()), rtol=1e-6)
    model.get_layer("hidden").trainable = False
    _, seen, _ = Flow(model, model.inputs).measure(rows(), training=False)
    hidden = np.maximum(rows() @ model.get_layer("hidden").kernel.numpy(), 0)
    assert seen is not None
    assert seen["layer"] == "logits"
    assert seen["std"] == pytest.approx(hidden.std(), rel=1e-5)
    model.trainable = False
    assert Flow(model, model.inputs).measure(rows(), training=False)[1] is None


def test_a_part_that_was_cut_off_begins_at_its_cut() -> None:
    whole = build()
    cut = whole.get_layer("hidden").output
    rest = keras.Model(cut, whole.output)
    features = np.abs(np.random.default_rng(1).normal(size=(5, 16))).astype(np.float32)
    output, seen, shares = Flow(rest, cut).measure(features, training=False)
    np.testing.assert_allclose(output, rest(features), rtol=1e-6)
    assert seen == {"layer": "logits"} | describe_values(features)
    assert shares == {}


def test_activations_have_their_names_wherever_they_stand() -> None:
    dense = keras.layers.Dense(2, activation="softmax")
    named = [dense, keras.layers.Activation("tanh"), keras.layers.ReLU(), keras.layers.Softmax()]
    assert [activation_of(layer) for layer in named] == ["softmax", "tanh", "relu", "softmax"]
    assert activation_of(keras.layers.Flatten()) is None


def test_layers_of_nets_within_a_net_are_walked_in_their_place() -> None:
    inner, inputs = build(), keras.Input((6,))
    outer = keras.Model(inputs, keras.layers.Dense(1, name="top")(inner(inputs)))
    assert [layer.name for layer in walk(outer) if layer.weights] == ["hidden", "logits", "top"]
