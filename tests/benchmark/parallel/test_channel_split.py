"""A net divided by channels against the undivided one, on two and three logical CPUs in their own process."""

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.benchmark.parallel.channel_split import split_channels
from dlpractice.errors import HardwareError

THREE_DEVICES = """
import json
import numpy as np
import keras
from keras import layers
from dlpractice.benchmark.parallel.channel_split import run_forward, run_step, split_channels
from dlpractice.benchmark.models.graphs import read_graph

# Rounding in float32 could put an input of a ReLU on the other side of zero, and change its gradient.
keras.config.set_floatx("float64")
keras.utils.set_random_seed(1)
inputs = keras.Input((6, 6, 2))
x = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(inputs)
y = layers.BatchNormalization(name="norm")(x)
y = layers.Conv2D(5, 3, padding="same", use_bias=False, name="second")(y)
x = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="added")([x, y]))
shared = layers.Dense(5, activation="tanh", name="shared")
net = keras.Model(inputs, layers.Dense(4, activation="softmax", name="last")(shared(shared(x))))
net.get_layer("norm").set_weights([np.linspace(0.5, 2, 5)] * 3 + [np.linspace(1, 3, 5)])

rng = np.random.default_rng(0)
images = rng.normal(size=(7, 6, 6, 2))
targets = rng.normal(size=(7, 4))
with tf.GradientTape() as tape:
    output = net(images, training=False)
    loss = tf.reduce_sum((output - targets) ** 2) / 2 / 7
wanted = dict(zip([v.path for v in net.trainable_variables], tape.gradient(loss, net.trainable_variables)))
found = {"paths": sorted(wanted), "largest": max(float(np.abs(g).max()) for g in wanted.values())}
for count in (1, 2, 3):
    split = split_channels(read_graph(net), [f"cpu:{index}" for index in range(count)])
    result = run_step(split, images, targets)
    found[str(count)] = {
        "divided": split.divided,
        "values": split.gathered_values,
        "forward": float(np.abs(run_forward(split, images) - output).max()),
        "gradients": {p: float(np.abs(g - wanted[p]).max()) for p, g in result.gradients.items()},
        "channels": [layer.kernel.shape[-1] for layer in split.shares[0].layers],
        "devices": [layer.kernel.value.device.split(":")[-1] for layer in split.shares[0].layers],
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def three_devices(run_on_devices: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return run_on_devices(3, THREE_DEVICES)


@pytest.mark.parametrize("count", ["1", "2", "3"])
def test_outputs_and_gradients_are_those_of_the_undivided_net(
    three_devices: dict[str, Any], count: str
) -> None:
    found = three_devices[count]
    assert found["forward"] < 1e-12
    assert three_devices["largest"] > 0.01
    assert sorted(found["gradients"]) == three_devices["paths"]
    assert max(found["gradients"].values()) < 1e-12


def test_channels_are_shared_out_and_live_on_their_devices(three_devices: dict[str, Any]) -> None:
    assert three_devices["2"]["divided"] == ["first", "second", "shared", "shared", "last"]
    assert three_devices["2"]["channels"] == [2, 3]
    assert three_devices["2"]["devices"] == ["0", "1"]
    assert three_devices["3"]["channels"] == [2, 1, 2]


def test_what_is_sent_is_each_output_to_everyone_else(three_devices: dict[str, Any]) -> None:
    outputs = 2 * 6 * 6 * 5 + 2 * 5 + 4
    assert [three_devices[count]["values"] for count in ("1", "2", "3")] == [0, outputs, 2 * outputs]


def test_a_layer_with_too_few_channels_or_in_groups_stays_whole() -> None:
    inputs = keras.Input((4, 4, 4))
    x = layers.Conv2D(1, 1, name="narrow")(layers.Conv2D(4, 1, groups=2, name="grouped")(inputs))
    net = keras.Model(inputs, layers.Dense(2, name="wide")(layers.Flatten()(x)))
    assert split_channels(read_graph(net), ["cpu:0", "cpu:0"]).divided == ("wide",)


def test_several_inputs_are_refused() -> None:
    pair = [keras.Input((2,)), keras.Input((2,))]
    with pytest.raises(HardwareError, match="several inputs"):
        split_channels(read_graph(keras.Model(pair, layers.Add()(pair))), ["cpu:0"])
