"""Two logical CPUs, in a process of their own, against one device and against SGD by hand."""

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

from dlpractice.benchmark.parallel.data_parallel import mirror
from dlpractice.errors import HardwareError

TWO_DEVICES = """
import json
import numpy as np
import keras
from keras import layers
from dlpractice.benchmark.parallel.data_parallel import LEARNING_RATE, compile_own_computation, mirror

# Rounding in float32 could put an input of a ReLU on the other side of zero, and change its gradient.
keras.config.set_floatx("float64")
keras.utils.set_random_seed(1)
inputs = keras.Input((6, 6, 2))
x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(inputs))
net = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
rng = np.random.default_rng(0)
images = rng.normal(size=(8, 6, 6, 2))
targets = rng.normal(size=(8, 3))
before = [np.array(w) for w in net.get_weights()]

two = mirror(net, ["CPU:0", "CPU:1"])
dealt = two.deal(images), two.deal(targets)
one = mirror(net, ["CPU:0"])
alone = one.deal(images), one.deal(targets)
for _ in range(5):
    two.step(*dealt)
    one.step(*alone)
found = {"disagreement": two.disagreement()}
found["difference"] = max(float(np.abs(a - b).max()) for a, b in zip(two.weights(), one.weights()))
# The same five steps by hand.
for _ in range(5):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(images, training=False) - targets) ** 2) / 2
    for v, g in zip(net.trainable_variables, tape.gradient(loss, net.trainable_variables)):
        v.assign(v - LEARNING_RATE * g)
found["by hand"] = max(float(np.abs(a - b).max()) for a, b in zip(one.weights(), net.get_weights()))
found["moved"] = max(float(np.abs(a - b).max()) for a, b in zip(one.weights(), before))
for name, run, batch in (("two", two, dealt), ("one", one, alone)):
    counted = run.count_collectives(*batch)
    found[name] = [counted.count, counted.bytes_per_device]
found["parameters"] = sum(int(np.prod(v.shape)) for v in net.trainable_variables)
two.lonely_step(*dealt)
found["alone they disagree"] = two.disagreement()
own = compile_own_computation(net, ["CPU:0", "CPU:1"], images, targets)
(first, _), (second, _) = own()
operations = own.get_concrete_function().graph.get_operations()
found["own"] = abs(float(first + second) - float(tf.reduce_mean((net(images) - targets) ** 2)) / 2)
found["devices"] = sorted(op.device[-5:] for op in operations if op.type == "Conv2D")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def two_devices(run_on_devices: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return run_on_devices(2, TWO_DEVICES)


def test_two_devices_learn_what_one_does_and_what_sgd_does(two_devices: dict[str, Any]) -> None:
    assert two_devices["moved"] > 1e-3
    assert two_devices["difference"] < 1e-12
    assert two_devices["by hand"] < 1e-12
    assert two_devices["disagreement"] == 0


def test_without_the_exchange_the_copies_part(two_devices: dict[str, Any]) -> None:
    assert two_devices["alone they disagree"] > 1e-5


def test_each_device_gives_every_gradient_once(two_devices: dict[str, Any]) -> None:
    count, size = two_devices["two"]
    assert count >= 1
    assert size == 8 * two_devices["parameters"]
    assert two_devices["one"] == [0, 0]


def test_own_computation_is_the_loss_in_two_parts_on_two_devices(two_devices: dict[str, Any]) -> None:
    assert two_devices["own"] < 1e-12
    assert two_devices["devices"] == ["CPU:0", "CPU:1"]


def test_a_device_that_is_not_there_is_refused() -> None:
    net = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    with pytest.raises(HardwareError, match="does not see GPU:77"):
        mirror(net, ["GPU:77"])
