"""Products of a net, by hand and as published."""

import keras
from keras import layers

from dlpractice.models.products import count_products


def test_each_kind_of_layer_by_hand() -> None:
    images = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(images)  # 4 x 4 positions
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(5)(x))
    by_hand = 16 * (3 * 3 * 3 * 4) + 16 * (3 * 3 * 4) + 16 * (3 * 3 * 4 + 4 * 6) + 6 * 5
    assert count_products(model) == by_hand
    inside = keras.Model(inputs := keras.Input((8, 8, 3)), model(inputs))
    assert count_products(inside) == by_hand


def test_vgg16_as_published() -> None:
    """30.7 GFLOP for the convolutions at 224 pixels, two operations a product."""
    images = x = keras.Input((224, 224, 3))
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros")(x)
        x = layers.MaxPooling2D()(x)
    assert round(2e-9 * count_products(keras.Model(images, x)), 1) == 30.7
