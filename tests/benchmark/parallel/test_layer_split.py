"""A net divided by layers against the undivided one, on two logical CPUs in a process of their own."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from dlpractice.benchmark.parallel.layer_split import balance
from dlpractice.errors import HardwareError

TWO_DEVICES = """
import json
import numpy as np
import keras
from keras import layers
from dlpractice.errors import HardwareError
from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.benchmark.parallel.layer_split import run_forward, run_step, split_layers

# Rounding in float32 could put an input of a ReLU on the other side of zero, and change its gradient.
keras.config.set_floatx("float64")
keras.utils.set_random_seed(1)
inputs = keras.Input((6, 6, 2))
x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(inputs)
y = layers.BatchNormalization(name="norm")(x)
y = layers.Conv2D(4, 3, padding="same", name="second")(y)
x = layers.Add(name="added")([x, y])
shared = layers.Dense(4, activation="tanh", name="shared")
x = shared(layers.GlobalAveragePooling2D(name="pool")(x))
x = layers.Dropout(0.5)(shared(x))
net = keras.Model(inputs, layers.Dense(3, name="last")(x))
net.get_layer("norm").set_weights([np.linspace(0.5, 2, 4)] * 3 + [np.linspace(1, 3, 4)])

rng = np.random.default_rng(0)
images = rng.normal(size=(7, 6, 6, 2))
targets = rng.normal(size=(7, 3))
with tf.GradientTape() as tape:
    output = net(images, training=False)
    loss = tf.reduce_sum((output - targets) ** 2) / 2 / 7
wanted = dict(zip([v.path for v in net.trainable_variables], tape.gradient(loss, net.trainable_variables)))

graph = read_graph(net)
found = {"operations": [op.name for op in graph.operations], "cases": {}}
for cut in range(1, len(graph.operations)):
    stages = split_layers(graph, [cut], ["cpu:0", "cpu:1"])
    forward = run_forward(stages, images, 3)[0]
    step = run_step(stages, images, targets, 3)
    found["cases"][cut] = {
        "crossing": len(stages[1].takes),
        "forward": float(np.abs(forward - output).max()),
        "outputs": float(np.abs(step.outputs[0] - output).max()),
        "gradients": {p: float(np.abs(g - wanted[p]).max()) for p, g in step.gradients.items()},
        "devices": sorted({v.value.device.split(":")[-1] for _, v in stages[1].weights}),
    }
found["paths"] = sorted(wanted)
found["largest"] = max(float(np.abs(g).max()) for g in wanted.values())
try:
    run_forward(stages, images, 8)
except HardwareError as error:
    found["error"] = error.message
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def two_devices(run_on_devices: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return run_on_devices(2, TWO_DEVICES)


def test_every_cut_gives_the_undivided_outputs(two_devices: dict[str, Any]) -> None:
    assert len(two_devices["cases"]) == len(two_devices["operations"]) - 1 >= 7
    for case in two_devices["cases"].values():
        assert case["forward"] < 1e-12
        assert case["outputs"] < 1e-12


def test_every_cut_gives_the_undivided_gradients(two_devices: dict[str, Any]) -> None:
    assert two_devices["largest"] > 0.01
    for case in two_devices["cases"].values():
        assert sorted(case["gradients"]) == two_devices["paths"]
        assert max(case["gradients"].values()) < 1e-12


def test_a_skip_connection_crosses_and_weights_live_on_the_second_device(two_devices: dict[str, Any]) -> None:
    cases = list(two_devices["cases"].values())
    assert max(case["crossing"] for case in cases) == 2
    assert all(case["devices"] == ["1"] for case in cases[:-2])


def test_more_micro_batches_than_images_are_refused(two_devices: dict[str, Any]) -> None:
    assert two_devices["error"] == "7 images cannot make 8 micro-batches"


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_balance_is_the_best_of_all_ways_to_cut(stages: int) -> None:
    costs = np.random.default_rng(3).uniform(0, 1, 9)

    def dearest(cuts: tuple[int, ...]) -> float:
        return max(float(part.sum()) for part in np.split(costs, cuts))

    cuts = balance(costs.tolist(), stages)
    assert len(cuts) == stages - 1
    best = min(dearest(choice) for choice in combinations(range(1, 9), stages - 1))
    assert dearest(cuts) == pytest.approx(best)


def test_more_stages_than_operations_are_refused() -> None:
    with pytest.raises(HardwareError, match="2 operations cannot make 3"):
        balance([1.0, 1.0], 3)
