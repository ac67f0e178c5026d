"""Checks that find a wrong number; the right ones are shown by the modules that divide."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.models.graphs import Graph, read_graph
from dlpractice.benchmark.nets import build_net
from dlpractice.benchmark.parallel import channel_split, checks
from dlpractice.benchmark.parallel.channel_split import ChannelSplit
from dlpractice.benchmark.parallel.checks import check_data_parallel, check_model_parallel, draw_batch
from dlpractice.benchmark.parallel.copies import copy_in_float64, copy_without_kinks
from dlpractice.benchmark.parallel.layer_split import Step, split_layers


@pytest.fixture
def net() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    return keras.Model(inputs, layers.Dense(3, name="last")(layers.Flatten()(x)))


def net_with_normalisation() -> keras.Model:
    inputs = keras.Input((6, 6, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def test_a_divided_net_passes_and_its_stages_cover_the_graph(net: keras.Model) -> None:
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 2)
    assert [check["passed"] for check in found["checks"]] == [True] * 5
    assert (found["stages"][0]["first"], found["stages"][-1]["last"]) == ("first", "last")
    assert sum(stage["share_of_operations"] for stage in found["stages"]) == pytest.approx(1)
    assert found["stages"][0]["values_taken_per_image"] == 36
    assert found["divided_layers"] == 2
    assert found["gathered_values_per_image"] == 4 * 4 * 4 + 3


def failed(net: keras.Model) -> list[str]:
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 3)
    return [check["name"] for check in found["checks"] if not check["passed"]]


def test_a_share_with_the_biases_of_another_fails(net: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.split_channels

    def wrong(graph: Graph, devices: list[str]) -> ChannelSplit:
        split = right(graph, devices)
        first, second = split.shares[0].layers
        second.bias.assign(first.bias)
        return split

    monkeypatch.setattr(checks, "split_channels", wrong)
    assert failed(net) == ["channels, inference", "channels, gradients"]


def test_a_gradient_that_is_not_summed_over_devices_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_split, "_sum_over_devices", lambda pieces: pieces[0])
    assert failed(net_with_normalisation()) == ["channels, gradients"]


def test_a_forgotten_micro_batch_fails(net: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.run_step

    def forgetful(stages: Any, images: Any, targets: Any, micro_batches: int) -> Step:
        kept = right(stages, images[:-1], targets[:-1], micro_batches - 1)
        gradients = {path: value * 4 / 5 for path, value in kept.gradients.items()}
        return Step(right(stages, images, targets, micro_batches).outputs, gradients)

    monkeypatch.setattr(checks, "run_step", forgetful)
    assert failed(net) == ["layers, gradients"]


@pytest.mark.parametrize("part", ["gradients", "outputs"])
def test_a_number_that_is_off_by_a_thousandth_fails(
    part: str, net: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = checks.run_step

    def wrong(*arguments: Any) -> Step:
        step = right(*arguments)
        if part == "outputs":
            return Step((step.outputs[0] * 1.001,), step.gradients)
        return Step(step.outputs, {path: value * 1.001 for path, value in step.gradients.items()})

    monkeypatch.setattr(checks, "run_step", wrong)
    assert len(failed(net)) == 1


def test_divided_nets_round_as_the_undivided_one_does() -> None:
    """What is allowed is what float32 leaves: held against float64, a division is off by about as much as the
    undivided net is, on whichever machine."""
    net = copy_without_kinks(build_net("siamese"))
    images, targets = (keras.ops.convert_to_tensor(part) for part in draw_batch(net, 3))
    exact, wide = copy_in_float64(net), [keras.ops.cast(part, "float64") for part in (images, targets)]
    graph, devices = read_graph(net), ["CPU:0", "CPU:0"]
    stages = split_layers(graph, [len(graph.operations) // 2], devices)

    _, wanted = checks._compute_undivided(exact, *wide)
    _, undivided = checks._compute_undivided(net, images, targets)
    by_layers = checks.run_step(stages, images, targets, 3).gradients
    by_channels = checks.step_channels(checks.split_channels(graph, devices), images, targets).gradients

    own, *divided = (checks._against(found, wanted) for found in (undivided, by_layers, by_channels))
    assert 0 < own < checks.TOLERANCES["float32"] / 4
    assert max(divided) < 4 * own


def test_a_nan_is_no_pass_and_no_number(net: keras.Model) -> None:
    net.layers[1].set_weights([np.full_like(weight, np.nan) for weight in net.layers[1].get_weights()])
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 2)
    assert [check["passed"] for check in found["checks"]] == [False] * 5
    assert all(check["difference"] is None for check in found["checks"])


WITHOUT_EXCHANGE = """
import json
from dataclasses import replace
import keras
from keras import layers
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.parallel import checks

right = checks.mirror

def lonely(net, devices):
    run = right(net, devices)
    return replace(run, step=run.lonely_step)

checks.mirror = lonely
net = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
print(json.dumps(checks.check_data_parallel(net, 2, ["CPU:0", "CPU:1"], Sampling(5))))
"""


def test_gradients_that_are_not_exchanged_fail_both_checks(
    run_on_devices: Callable[..., dict[str, Any]],
) -> None:
    found = run_on_devices(2, WITHOUT_EXCHANGE)
    assert found["collectives"] == 0
    assert [check["passed"] for check in found["checks"]] == [False, False]
    assert min(check["difference"] for check in found["checks"]) > 1e-5


def test_one_device_exchanges_nothing(net: keras.Model) -> None:
    found = check_data_parallel(net, 4, ["CPU:0"], Sampling(5))
    assert all(check["passed"] for check in found["checks"])
    assert (found["collectives"], found["bytes_per_device"]) == (0, 0)
    assert found["gradient_bytes"] == 4 * ((9 + 1) * 4 + (64 + 1) * 3)
    assert found["overhead"] < 1


def test_batches_fit_the_net_and_repeat(net: keras.Model) -> None:
    images, targets = draw_batch(net, 7)
    assert (images.shape, targets.shape) == ((7, 6, 6, 1), (7, 3))
    assert np.array_equal(images, draw_batch(net, 7)[0])
