"""Calls that are timed do what they say: outputs, and steps of training, held against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.models.throughput import (
    computing_in,
    input_shape,
    output_shape,
    prepare_inference,
    prepare_training,
    random_batch,
)


def _linear():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, use_bias=False)])
    model.layers[0].set_weights([np.arange(6, dtype=np.float32).reshape(3, 2) / 10])
    return model


def test_inference_is_the_net():
    model = _linear()
    images = np.eye(3, dtype=np.float32)

    np.testing.assert_allclose(prepare_inference(model)(images), model.layers[0].get_weights()[0], rtol=1e-6)


def test_two_steps_are_those_of_momentum_by_hand():
    model, rng = _linear(), np.random.default_rng(0)
    images, targets = (rng.random(shape, dtype=np.float32) for shape in ((5, 3), (5, 2)))
    weights, speed, losses = model.layers[0].get_weights()[0].astype(np.float64), 0.0, []
    for _ in range(2):
        error = images @ weights - targets
        losses.append(np.mean(error**2))
        speed = 0.9 * speed - 0.1 * images.T @ (2 * error / error.size)
        weights = weights + speed

    step = prepare_training(model, learning_rate=0.1)

    assert [float(step(images, targets)) for _ in range(2)] == pytest.approx(losses, rel=1e-5)
    assert float(step(images, targets)) == pytest.approx(np.mean((images @ weights - targets) ** 2), rel=1e-5)


def test_half_precision_computes_in_it_and_keeps_its_weights():
    before = keras.config.dtype_policy().name
    with computing_in("bfloat16"):
        model = _linear()

    assert model.layers[0].compute_dtype == "bfloat16"
    assert model.layers[0].variable_dtype == "float32"
    assert keras.config.dtype_policy().name == before


def test_batches_have_the_shapes_of_the_net():
    model = _linear()

    assert input_shape(model, 4) == (4, 3)
    assert output_shape(model, 4) == (4, 2)
    values = np.asarray(random_batch((50, 3), np.random.default_rng(0), top=255.0))
    assert values.dtype == np.float32 and 200 < values.max() <= 255 and values.min() >= 0
