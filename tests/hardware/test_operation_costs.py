"""Operations counted by the graph against counts by hand."""

import keras
from keras import layers

from dlpractice.hardware.graphs import read_graph
from dlpractice.hardware.operation_costs import count_operations


def test_operations_by_hand() -> None:
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3, name="conv")(inputs)
    x = layers.DepthwiseConv2D(2, name="depthwise")(layers.ReLU()(x))
    net = keras.Model(inputs, layers.Dense(7)(layers.Flatten()(x)))
    conv = 4 * 4 * 5 * (3 * 3 * 2) * 2
    depthwise = 3 * 3 * 5 * (2 * 2) * 2
    expected = (conv, 4 * 4 * 5, depthwise, 45, 45 * 7 * 2)
    assert count_operations(read_graph(net)) == expected


def test_vgg16_does_15_5_billion_multiply_adds() -> None:
    """The figure of Simonyan and Zisserman's net at 224 pixels that is commonly given: 15.5 G."""
    inputs = keras.Input((224, 224, 3))
    base = keras.applications.VGG16(include_top=False, weights=None, input_tensor=inputs)
    convolutions = sum(count_operations(read_graph(base))) / 2
    dense = 25_088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert round((convolutions + dense) / 1e9, 1) == 15.5
