"""Nets in ONNX Runtime compute what Keras computes, whatever the size of their weights."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from dlpractice.benchmark.backends import onnx_runtime
from dlpractice.benchmark.backends.onnx_runtime import conversion_bytes, convert, open_session, versions


@pytest.fixture
def net() -> keras.Model:
    """A net with a branch, normalisation whose statistics are not those of its start, and dropout."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.MaxPooling2D()(layers.Add()([x, layers.Conv2D(4, 3, padding="same")(y)]))
    net = keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.5)(layers.Flatten()(x))))
    statistics = [np.linspace(0.5, 2, 4), np.full(4, 0.1), np.full(4, 0.2), np.linspace(1, 3, 4)]
    net.get_layer("norm").set_weights(statistics)
    return net


@pytest.mark.parametrize("large", [9, 600, 1 << 20])
def test_outputs_are_those_of_keras(net: keras.Model, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "_LARGE", large)
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype(np.float32)
    wanted = np.asarray(net(images, training=False))

    model = convert(net, 5)
    outputs = open_session(model, threads=1)(images)

    assert outputs.shape == (5, 3)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=1e-5)
    graph = onnx.load_model_from_string(model).graph
    assert [one.name for one in graph.input] == ["images"]
    # Large weights are in the file as they are in Keras.
    kept = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer if "weight_" in one.name}
    expected = [one for one in net.weights if 4 * one.numpy().size >= large]
    assert len(kept) == len(expected)
    for one in expected:
        assert any(np.array_equal(value, one.numpy()) for value in kept.values()), one.path


def test_a_net_that_learns_on_leaves_the_file_as_it_was(net: keras.Model) -> None:
    images = np.ones((2, 8, 8, 2), np.float32)
    call = open_session(convert(net, 2), threads=1)
    before = call(images)
    net.set_weights([0 * weight for weight in net.get_weights()])

    assert np.array_equal(call(images), before)
    assert np.abs(before).max() > 0.01


def test_versions_and_memory(net: keras.Model) -> None:
    assert set(versions()) == {"onnxruntime", "onnx", "tf2onnx"}
    assert conversion_bytes(net) >= 5 * 4 * net.count_params()
