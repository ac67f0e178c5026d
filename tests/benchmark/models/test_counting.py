"""Operations and bytes of nets, held against counts by hand and published ones."""

import keras
import pytest
from keras import layers

from dlpractice.benchmark.models.counting import count_operations, count_work
from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.models.encoders import build_encoder


def _net(*stack, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("build", "gigaflops"),
    [
        # 15.47 and 3.86 billion multiply-adds; He et al. 2016 publish 3.8 for a net with Keras's strides, and
        # 4.1 is that of the later variant with the stride in the 3x3 convolution.
        (lambda: keras.applications.VGG16(weights=None), 30.9),
        (lambda: keras.applications.ResNet50(weights=None), 7.75),
        (lambda: keras.applications.VGG16(weights=None, include_top=False, input_shape=(150, 150, 3)), 13.2),
    ],
)
def test_known_nets_need_what_is_published(build, gigaflops):
    work = count_work(build())

    assert work.flops(1, training=False) / 1e9 == pytest.approx(gigaflops, rel=0.015)
    assert work.unknown == ()


@pytest.mark.parametrize(
    ("layer", "flops"),
    [
        (layers.Conv2D(4, 3, padding="same"), 64 * 4 * (2 * 27 + 1)),
        (layers.Conv2D(4, 3, strides=2, use_bias=False), 9 * 4 * 54),
        (layers.Conv2D(6, 3, groups=3, padding="same", use_bias=False), 64 * 6 * 2 * 9),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", use_bias=False), 64 * 6 * 2 * 9),
        (layers.Dense(5), 64 * 5 * (2 * 3 + 1)),
        (layers.Dense(5, activation="relu", use_bias=False), 64 * 5 * (2 * 3 + 1)),
        (layers.BatchNormalization(), 2 * 192),
        (layers.MaxPooling2D(2), 192),
        (layers.MaxPooling2D(3, 2, padding="same"), 9 * 16 * 3),
        (layers.GlobalAveragePooling2D(), 192),
        (layers.ReLU(), 192),
        (layers.Activation("sigmoid"), 4 * 192),
        (layers.Flatten(), 0),
        (layers.ZeroPadding2D(), 0),
    ],
)
def test_each_kind_of_layer_is_counted_as_by_hand(layer, flops):
    work = count_work(_net(layer))

    assert work.flops(1, training=False) == flops
    assert work.flops(7, training=False) == 7 * flops


def test_an_addition_is_one_operation_a_value():
    image = keras.Input((4, 4, 2))
    work = count_work(keras.Model(image, layers.Add()([image, layers.ReLU()(image)])))

    assert work.flops(1, training=False) == 32 + 32


def test_a_layer_nobody_has_counted_is_named():
    work = count_work(_net(layers.UnitNormalization(name="unit")))

    assert work.unknown == ("unit (UnitNormalization)",)
    assert work.bytes_moved(1, 4, training=False) == 4 * 2 * 192


def test_each_operation_of_a_graph_weighs_what_it_does():
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3)(inputs)
    x = layers.DepthwiseConv2D(2)(layers.ReLU()(x))
    net = keras.Model(inputs, layers.Dense(7)(layers.Flatten()(x)))
    convolution = 4 * 4 * 5 * (3 * 3 * 2 * 2 + 1)
    depthwise = 3 * 3 * 5 * (2 * 2 * 2 + 1)

    expected = (convolution, 4 * 4 * 5, depthwise, 0, 7 * (45 * 2 + 1))
    assert count_operations(read_graph(net)) == expected
    assert sum(expected) == count_work(net).flops(1, training=False)


def test_a_layer_nobody_has_counted_weighs_its_values_and_weights():
    net = _net(layers.UnitNormalization(), layers.LayerNormalization(), shape=(4, 3))

    assert count_operations(read_graph(net)) == (12, 12 + 2 * 3)


def _two_dense():
    return _net(layers.Dense(4, use_bias=False), layers.Dense(2, use_bias=False), shape=(3,))


def test_backward_is_the_gradient_of_weights_and_of_inputs_that_learn():
    # Forward 24 + 16; the first layer has a gradient of weights only, the second both; then the update.
    assert count_work(_two_dense()).flops(5, training=True) == 5 * (40 + 24 + 32) + 4 * 20


def test_frozen_layers_are_not_trained_and_nothing_goes_back_through_them():
    model = _two_dense()
    model.layers[0].trainable = False

    assert count_work(model).flops(5, training=True) == 5 * (40 + 16) + 4 * 8


def test_a_frozen_layer_behind_one_that_learns_hands_its_gradient_on():
    model = _two_dense()
    model.layers[1].trainable = False

    assert count_work(model).flops(1, training=True) == 40 + 24 + 16 + 4 * 12


def test_bytes_are_weights_once_and_activations_for_each_image():
    work = count_work(_two_dense())

    assert work.bytes_moved(10, 2, training=False) == 2 * (12 + 8 + 10 * (3 + 4 + 4 + 2))
    back = 10 * 7 + 12 + 2 * 10 * 6 + 8 + 8
    assert work.bytes_moved(10, 4, training=True) == 4 * (20 + 10 * 13 + back) + 20 * 20


def test_training_holds_more_than_inference_and_more_for_larger_batches():
    work = count_work(_two_dense())

    assert work.memory_bytes(8, 4, training=True) == 16 * 20 + 2 * 8 * 4 * 6
    assert work.memory_bytes(8, 4, training=False) == 8 * 20 + 2 * 8 * 4 * 7


@pytest.mark.parametrize(("name", "size"), [("residual", 40), ("koch", 105), ("conv4", 28)])
def test_every_layer_of_our_encoders_is_known(name, size):
    assert count_work(build_encoder(name, image_size=size, channels=1)).unknown == ()
