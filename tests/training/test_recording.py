"""The recorder: faults that are built in are seen, and the training is left as it was."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.training.placement import Placement, place
from dlpractice.training.recording import Recorder, last_activation, measure_activations
from dlpractice.training.steps import classification_loss


@pytest.fixture
def placement() -> Placement:
    return place(1)


def build(activation: str = "relu", bias: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(
        16, activation=activation, bias_initializer=keras.initializers.Constant(bias), name="hidden"
    )(inputs)
    dropped = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization(name="norm")(hidden))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(dropped))


def batch(scale: float = 1.0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    labels = np.arange(32) % 3
    inputs = rng.normal(size=(32, 6)) * scale + 3 * np.eye(6)[labels]
    return inputs.astype(np.float32), np.eye(3, dtype=np.float32)[labels], np.ones(32, np.float32)


class Store:
    """diagnostics.json in memory."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = None

    def read(self) -> dict[str, Any] | None:
        return self.document

    def write(self, document: Mapping[str, object]) -> None:
        self.document = dict(document)


def record(model: keras.Model, placement: Placement, store: Store, inputs: Any = None) -> Recorder:
    with placement.strategy.scope():
        recorder = Recorder(
            "scratch", inputs or batch(), classification_loss(model), placement, 3, store.read, store.write
        )
    recorder.set_model(model)
    return recorder


def test_the_start_and_an_epoch(placement: Placement) -> None:
    model, store = build(), Store()
    recorder = record(model, placement, store)
    before = [variable.numpy() for variable in model.variables]
    recorder.on_train_begin()
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert store.document is not None
    start = store.document["start"]
    assert 0.5 < start["loss"] < 3
    assert start["one_batch"]["after"] < start["one_batch"]["before"]
    assert start["inputs"]["std"] == pytest.approx(float(batch()[0].std()), rel=1e-5)
    assert start["output"] == {"activation": "linear"}

    recorder.on_train_batch_begin(0)
    kernel = model.get_layer("logits").kernel
    kernel.assign(kernel * 1.1)
    recorder.on_train_batch_end(0)
    after = [variable.numpy() for variable in model.variables]
    recorder.on_epoch_end(0)
    for variable, value in zip(model.variables, after, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    layers = {layer["name"]: layer for layer in store.document["epochs"][0]["layers"]}
    assert layers["logits"]["update_ratio"] == pytest.approx(0.1, rel=0.01)
    assert layers["hidden"]["update_ratio"] == 0
    assert layers["hidden"]["gradient_norm"] > 0
    assert 0 <= layers["hidden"]["dead"] < 0.5


def test_a_run_that_goes_on_records_once(placement: Placement) -> None:
    model, store = build(), Store()
    recorder = record(model, placement, store)
    recorder.on_train_begin()
    assert store.document is not None
    store.document["start"]["loss"] = 42.0
    for epoch in (0, 1, 2, 1):
        recorder.on_epoch_end(epoch)
    recorder.on_train_begin()
    assert store.document["start"]["loss"] == 42.0
    assert [row["epoch"] for row in store.document["epochs"]] == [1, 2]


def test_gradients_are_those_of_finite_differences(placement: Placement) -> None:
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(inputs))
    recorder = record(model, placement, Store())
    loss, gradients = recorder._measure()
    bias = model.get_layer("logits").bias
    step = 1e-2
    bias.assign([step, 0, 0])
    above = recorder._measure()[0]
    bias.assign([-step, 0, 0])
    below = recorder._measure()[0]
    assert float(gradients[1][0]) == pytest.approx((above - below) / (2 * step), rel=1e-2)
    assert below != loss


def test_dead_and_saturated_units() -> None:
    inputs = batch()[0]
    assert measure_activations(build(bias=-100.0), inputs) == {"hidden": {"dead": 1.0}}
    assert measure_activations(build("tanh", bias=9.0), inputs)["hidden"]["saturated"] > 0.9
    assert measure_activations(build("tanh"), inputs * 0.01)["hidden"]["saturated"] == 0
    assert last_activation(build()) == "linear"
