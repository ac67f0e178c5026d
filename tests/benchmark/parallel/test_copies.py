"""Copies that can be compared: no kink is left, and nothing else is another."""

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.nets import build_net
from dlpractice.benchmark.parallel.copies import copy_in_float64, copy_without_kinks


@pytest.fixture(scope="module")
def net() -> keras.Model:
    """The net of the default config, with a convolution that has its activation inside."""
    siamese = build_net("siamese")
    grid = layers.Reshape((7, 7, 128))(siamese.output)
    return keras.Model(siamese.input, layers.Conv2D(2, 1, activation="relu", name="inside")(grid))


def test_no_kink_is_left(net: keras.Model) -> None:
    copy = copy_without_kinks(net)
    assert [layer.name for layer in copy.layers] == [layer.name for layer in net.layers]
    assert copy.get_layer("inside").activation is keras.activations.silu
    assert keras.activations.relu not in [getattr(layer, "activation", None) for layer in copy.layers]
    assert not [layer for layer in copy.layers if isinstance(layer, (layers.MaxPooling2D, layers.ReLU))]


def test_a_layer_of_relu_becomes_silu() -> None:
    copy = copy_without_kinks(keras.Sequential([keras.Input((2,)), layers.ReLU(name="gate")]))
    assert np.allclose(copy(np.asarray([[-1.0, 2.0]], np.float32)), [[-0.26894142, 1.7615942]])


def test_weights_are_the_same_but_where_all_are_equal() -> None:
    net = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.BatchNormalization()])
    kernel, bias, *statistics = copy_without_kinks(net).get_weights()
    assert np.array_equal(kernel, net.get_weights()[0])
    for weight in (bias, *statistics):
        assert len(set(weight)) == 4
    assert min(statistics[-1]) >= 1


def test_a_copy_in_float64_is_sixteen_digits_wide() -> None:
    net = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.BatchNormalization()])
    image = np.asarray([[0.5, -0.25, 3.0]])
    kernel, _, _, _, _, variance = (weight.astype("float64") for weight in net.get_weights())
    wanted = image @ kernel / np.sqrt(variance + net.layers[-1].epsilon)
    found = np.asarray(copy_in_float64(net)(image))
    assert found.dtype == np.float64
    assert np.abs(found - wanted).max() < 1e-14
