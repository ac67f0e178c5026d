"""Bytes across cuts against counts by hand."""

import keras
from keras import layers

from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.benchmark.parallel.boundaries import list_boundaries


def skip_net() -> keras.Model:
    """4x4x3 -> conv of 8 -> conv of 8 -> add the first conv's output -> pool -> dense of 2."""
    inputs = keras.Input((4, 4, 3))
    first = layers.Conv2D(8, 3, padding="same", name="first")(inputs)
    second = layers.Conv2D(8, 3, padding="same", name="second")(first)
    added = layers.Add(name="added")([first, second])
    return keras.Model(inputs, layers.Dense(2, name="dense")(layers.Flatten(name="flat")(added)))


def test_a_skip_connection_crosses_too() -> None:
    found = {row.after: row for row in list_boundaries(read_graph(skip_net()))}
    assert list(found) == ["first", "second", "added", "flat"]
    assert [row.tensors for row in found.values()] == [1, 2, 1, 1]
    assert [row.forward_values for row in found.values()] == [128, 256, 128, 128]
    assert [row.backward_values for row in found.values()] == [128, 256, 128, 128]
    assert found["second"].forward_bytes(batch=3, precision="bfloat16") == 3 * 256 * 2
    assert found["second"].backward_bytes() == 1024


def test_no_gradient_comes_back_to_frozen_layers() -> None:
    net = skip_net()
    net.get_layer("first").trainable = False
    first, second, *_ = list_boundaries(read_graph(net))
    assert (first.forward_values, first.backward_values) == (128, 0)
    assert (second.forward_values, second.backward_values) == (256, 128)


def test_an_input_that_is_needed_late_crosses_and_has_no_gradient() -> None:
    inputs = keras.Input((2, 2, 1))
    net = keras.Model(inputs, layers.Add()([layers.Conv2D(1, 1, name="conv")(inputs), inputs]))
    (row,) = list_boundaries(read_graph(net))
    assert (row.tensors, row.forward_values, row.backward_values) == (2, 8, 4)


def test_vgg16_by_hand() -> None:
    """Blocks of 2, 2, 3, 3 and 3 convolutions at 224, 112, 56, 28 and 14 pixels, each with a pool, then
    25,088 values, and 4,096, 4,096 and 1,000 units."""
    net = keras.applications.VGG16(weights=None)
    expected = []
    side = 224
    for convolutions, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        expected += [side * side * channels] * convolutions
        side //= 2
        expected.append(side * side * channels)
    expected += [7 * 7 * 512, 4096, 4096]
    assert [row.forward_values for row in list_boundaries(read_graph(net))] == expected
