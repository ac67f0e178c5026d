"""Two devices against one, and what is said of devices that are not there.

TensorFlow takes a machine's devices as they are when it starts, so two logical CPUs are made in a process of
their own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlpractice.errors import HardwareError
from dlpractice.training.devices.placement import place

TWO_DEVICES = """
import json
import numpy as np
import keras
from dlpractice.data.augmentation import Augmentation
from dlpractice.errors import HardwareError
from dlpractice.layers.normalisation import FusedBatchNormalization
from dlpractice.training.optimisers.optimisers import build_groups
from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.residence import hold
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward, forward_all
from dlpractice.training.randomness import seed_everything
from dlpractice.training.steps import classification_loss, compile_train_step

def train(devices, kind, sizes, normalised=False, parts=1, compiled=False):
    placement = place(devices)
    seed_everything(1)
    with placement.strategy.scope():
        inputs = keras.Input((6, 6, 1))
        x = keras.layers.Conv2D(4, 3)(inputs)
        x = FusedBatchNormalization(momentum=0.5)(x) if normalised else x
        x = keras.layers.MaxPooling2D(3, 2, padding="same")(keras.layers.ReLU()(x))
        model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
        groups = build_groups(
            model.trainable_variables, kind=kind, weight_decay=0.1,
            is_pretrained=lambda v: v.path.startswith("conv"), pretrained_rate=0.1,
        )
    step = compile_train_step(
        classification_loss(model), groups, placement, parts, compiled=compiled, rows=8 * compiled
    )
    rng, losses = np.random.default_rng(0), []
    for size in sizes:
        images = rng.normal(size=(size, 6, 6, 1)).astype(np.float32)
        targets = np.eye(3, dtype=np.float32)[rng.integers(3, size=size)]
        weights = rng.uniform(0.5, 2, size).astype(np.float32)
        losses.append(float(step((images, targets, weights), 0.01)))
    forward = compile_forward(model, placement)
    outputs = [forward(np.arange(36.0 * n, dtype=np.float32).reshape(n, 6, 6, 1) / 99) for n in (1, 2, 7)]
    return losses, model.get_weights(), outputs

def difference(kind, sizes, normalised=False):
    (ours, weights, outputs), (wanted, others, expected) = (
        train(devices, kind, sizes, normalised) for devices in (2, 1)
    )
    pairs = [(ours, wanted), *zip(weights, others), *zip(outputs, expected)]
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in pairs)

found = {"devices": place(2).devices, "named": place(["cpu:1"]).devices, "auto": place().devices}
found["replicas"] = [place(2).replicas, place(1).replicas, place(["CPU:1", "CPU:0"]).replicas]
dealt = place(2).deal([np.arange(5), np.arange(10).reshape(5, 2)])
found["dealt"] = [[p.numpy().tolist() for p in value.values] for value in dealt]
found["collected"] = place(2).collect(dealt[0]).tolist()
found["differences"] = {
    f"{kind} {sizes}": difference(kind, sizes)
    for kind, sizes in [("adamw", [8]), ("adamw", [7]), ("adamw", [1]), ("sgd", [8, 7, 1, 5])]
}
found["differences"]["normalised"] = difference("sgd", [8, 7, 5], normalised=True)
SIZES = [8, 7, 1, 5]
def list_all(*how):
    losses, weights, outputs = train(*how)
    return [losses, *weights, *outputs]
whole = list_all(1, "sgd", SIZES)
found["accumulated"] = {
    devices: max(
        float(np.abs(np.subtract(a, b)).max())
        for a, b in zip(list_all(devices, "sgd", SIZES, False, 3), whole)
    )
    for devices in (1, 2)
}
found["compiled"] = max(
    float(np.abs(np.subtract(a, b)).max())
    for a, b in zip(list_all(2, "sgd", SIZES, False, 1, True), whole)
)
def feed_mixed(devices, is_held):  # the weights after an epoch, and all logits
    placement = place(devices)
    keras.utils.set_random_seed(1)
    with placement.strategy.scope():
        inputs = keras.Input((6, 6, 3))
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs / 255)))
        groups = build_groups(
            model.trainable_variables, kind="sgd", weight_decay=0.0,
            is_pretrained=lambda v: False, pretrained_rate=1.0,
        )
    rows = np.random.default_rng(0).integers(0, 256, (13, 6, 6, 3), np.uint8)
    supply = hold(rows, placement) if is_held else Streamed(rows)
    feed = Feed(
        supply, np.arange(13) % 2, np.ones(2, np.float32), 5, seed=0, share=placement.share,
        augmentation=Augmentation("both", 20, mixup=1.0, cutmix=1.0), divided=devices > 1,
    )
    step = compile_train_step(
        classification_loss(model), groups, placement, prepare=feed.prepare
    )
    for batch in feed.batches(0):
        step(batch, 0.1)
    found["copies"] = [copy.device[-5:] for copy in supply.receive.copies] if is_held else []
    return model.get_weights() + [forward_all(compile_forward(model, placement), supply, 5)]

mixed = feed_mixed(1, False)
found["mixed"] = [
    max(float(np.abs(a - b).max()) for a, b in zip(feed_mixed(*how), mixed))
    for how in ((2, False), (2, True))
]
try:
    place(3)
except HardwareError as error:
    found["error"] = error.message
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def two_devices(run_on_devices: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return run_on_devices(2, TWO_DEVICES)


def test_devices_are_chosen(two_devices: dict[str, Any]) -> None:
    assert two_devices["devices"] == ["/CPU:0", "/CPU:1"]
    assert two_devices["named"] == ["/CPU:1"]
    assert two_devices["auto"] == ["/CPU:0"]
    assert two_devices["replicas"] == [2, 1, 2]
    assert two_devices["error"] == "hardware.devices asks for 3 devices; there are 2: /CPU:0, /CPU:1"


def test_a_batch_is_dealt_out_and_collected_in_order(two_devices: dict[str, Any]) -> None:
    assert two_devices["dealt"] == [[[0, 1], [2, 3, 4]], [[[0, 1], [2, 3]], [[4, 5], [6, 7], [8, 9]]]]
    assert two_devices["collected"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("case", ["adamw [8]", "adamw [7]", "adamw [1]", "sgd [8, 7, 1, 5]", "normalised"])
def test_two_devices_learn_what_one_does(two_devices: dict[str, Any], case: str) -> None:
    # Batches of even and odd size, and one that leaves a device without any image; batch normalisation, its
    # moving statistics included, is over the whole batch.
    assert two_devices["differences"][case] < 1e-5


def test_parts_on_two_devices_step_as_the_whole_batch_on_one(two_devices: dict[str, Any]) -> None:
    # Batches of 8, 7, 1 and 5 in three parts of uneven size, each dealt out to two devices: some have none.
    assert two_devices["accumulated"]["2"] < 1e-5
    assert two_devices["accumulated"]["1"] < 1e-6


def test_compiled_steps_of_two_devices_are_those_of_one_that_is_not_compiled(
    two_devices: dict[str, Any],
) -> None:
    # Of the batches of 8, 7, 1 and 5, the small ones are filled up. The net pools, repeatably.
    assert two_devices["compiled"] < 1e-5


def test_images_are_mixed_with_those_of_other_devices_which_may_hold_them_all(
    two_devices: dict[str, Any],
) -> None:
    assert two_devices["copies"] == ["CPU:0", "CPU:1"]
    assert max(two_devices["mixed"]) < 1e-5


def test_one_device_takes_the_batch_as_it_is() -> None:
    placement = place(["/CPU:0"])
    assert placement.replicas == 1
    batch = np.arange(6.0).reshape(3, 2)
    (dealt,) = placement.deal([batch])
    np.testing.assert_array_equal(placement.collect(dealt), batch)


def test_more_devices_than_there_are() -> None:
    with pytest.raises(HardwareError, match=r"asks for 64 devices; there are \d+: /.PU:0") as caught:
        place(64)
    assert "auto" in caught.value.hint


def test_devices_that_are_not_there() -> None:
    with pytest.raises(HardwareError, match=r"names /GPU:77, /TPU:0; there are .*/CPU:0"):
        place(["CPU:0", "GPU:77", "/TPU:0"])


def test_a_device_named_twice() -> None:
    with pytest.raises(HardwareError, match="names /cpu:0 more than once"):
        place(["CPU:0", "cpu:0"])
