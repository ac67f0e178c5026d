"""Checks that find a wrong number; the right ones are shown by the modules that divide."""

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.parallel import checks
from dlpractice.benchmark.parallel.checks import check_data_parallel, check_model_parallel, draw_batch


@pytest.fixture
def net() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    return keras.Model(inputs, layers.Dense(3, name="last")(layers.Flatten()(x)))


def test_a_divided_net_passes_and_its_stages_cover_the_graph(net: keras.Model) -> None:
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 2)
    assert [check["passed"] for check in found["checks"]] == [True] * 5
    assert (found["stages"][0]["first"], found["stages"][-1]["last"]) == ("first", "last")
    assert sum(stage["share_of_operations"] for stage in found["stages"]) == pytest.approx(1)
    assert found["stages"][0]["values_taken_per_image"] == 36
    assert found["divided_layers"] == 2
    assert found["gathered_values_per_image"] == 4 * 4 * 4 + 3


def test_a_wrong_gradient_fails_its_check(net: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.step_channels

    def wrong(*arguments: object) -> object:
        result = right(*arguments)  # type: ignore[arg-type]
        result.gradients.update({path: value * 1.01 for path, value in result.gradients.items()})
        return result

    monkeypatch.setattr(checks, "step_channels", wrong)
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 2)
    assert [check["name"] for check in found["checks"] if not check["passed"]] == ["channels, gradients"]


def test_a_nan_is_no_pass_and_no_number(net: keras.Model) -> None:
    net.layers[1].set_weights([np.full_like(weight, np.nan) for weight in net.layers[1].get_weights()])
    found = check_model_parallel(net, 5, ["CPU:0", "CPU:0"], 2)
    assert [check["passed"] for check in found["checks"]] == [False] * 5
    assert all(check["difference"] is None for check in found["checks"])


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
