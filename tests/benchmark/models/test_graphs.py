"""Graphs of small models against what their authors wrote, and single operations against whole models."""

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.models.graphs import call_operation, copy_layer, read_graph
from dlpractice.errors import HardwareError


def test_operations_stand_behind_what_they_need_and_live_tensors_are_counted() -> None:
    inputs = keras.Input((3,), name="in")
    left, right = layers.Dense(4, name="left")(inputs), layers.Dense(4, name="right")(inputs)
    net = keras.Model(inputs, layers.Dense(2, name="last")(left * right))
    graph = read_graph(net)
    names = [op.name for op in graph.operations]
    assert set(names[:2]) == {"left", "right"}
    assert names[3] == "last"
    assert graph.live(0) == graph.inputs
    assert [len(graph.live(cut)) for cut in (1, 2, 3, 4)] == [2, 2, 1, 0]
    assert [graph.values[n] for n in graph.inputs + graph.outputs] == [3, 2]


def test_running_operation_by_operation_is_running_the_model() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 2))
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(inputs))
    x = layers.Dropout(0.9)(keras.ops.relu(x) + layers.Conv2D(3, 1)(inputs))
    inner = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 1)])
    net = keras.Model(inputs, layers.Flatten()(inner(x)))
    graph = read_graph(net)
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)
    values = {graph.inputs[0]: images}
    for op in graph.operations:
        copy = copy_layer(op.layer, "cpu:0")
        assert (copy is op.layer) == (not getattr(op.layer, "weights", None))
        values.update(zip(op.outputs, call_operation(op, copy, values, graph.symbols), strict=True))
    found = keras.ops.convert_to_numpy(values[graph.outputs[0]])
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(net(images)), atol=1e-6)


def test_a_sequential_model_has_a_graph_and_one_that_is_not_built_has_none() -> None:
    built = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dense(3)])
    assert len(read_graph(built).operations) == 2
    with pytest.raises(HardwareError, match="has no graph"):
        read_graph(keras.Sequential([layers.Dense(4)], name="unbuilt"))


def test_an_open_size_is_refused() -> None:
    inputs = keras.Input((None, 4, 3))
    net = keras.Model(inputs, layers.Conv2D(2, 1)(inputs))
    with pytest.raises(HardwareError, match="has the shape") as caught:
        read_graph(net)
    assert "fixed size" in caught.value.hint
