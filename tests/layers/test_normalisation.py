"""The fused layer against Keras's own."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlpractice.layers.normalisation import FusedBatchNormalization


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_training_outputs_gradients_and_statistics_are_keras_s(policy: str) -> None:
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(3, 2, (6, 5, 4, 8)).astype(np.float32))
    weights = [rng.uniform(0.5, 2, 8), rng.normal(size=8), rng.normal(size=8), rng.uniform(1, 2, 8)]
    results = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9, dtype=policy)
        layer.build(images.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 3)
        gradients = tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])
        results.append([outputs, *gradients, *layer.get_weights()])
    tolerance = 1e-4 if policy == "float32" else 0.03
    for ours, theirs in zip(*results, strict=True):
        theirs = np.asarray(tf.cast(theirs, tf.float32))
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(
            np.asarray(tf.cast(ours, tf.float32)) / scale, theirs / scale, atol=tolerance
        )


def test_frozen_or_in_use_it_keeps_its_statistics() -> None:
    layer = FusedBatchNormalization()
    images = np.random.default_rng(0).normal(size=(4, 3, 3, 2)).astype(np.float32)
    layer(images, training=False)
    layer.trainable = False
    layer(images, training=True)
    np.testing.assert_array_equal(layer.moving_mean, 0)
    np.testing.assert_array_equal(layer.moving_variance, 1)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 4, 2)), FusedBatchNormalization(momentum=0.8)])
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(loaded.layers[0], FusedBatchNormalization)
    assert loaded.layers[0].momentum == 0.8


def test_under_another_backend_it_is_keras_own_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training there is Keras's own, and so is the way to the fused kernel left out."""
    layer = FusedBatchNormalization()
    inputs = np.random.default_rng(0).standard_normal((2, 3, 3, 4)).astype(np.float32)
    layer.build(inputs.shape)

    def fused(inputs: object) -> object:
        raise AssertionError("TensorFlow's kernel was asked for")

    monkeypatch.setattr(layer, "_normalise", fused)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    outputs = keras.ops.convert_to_numpy(layer(inputs, training=True))
    expected = (inputs - inputs.mean((0, 1, 2))) / np.sqrt(inputs.var((0, 1, 2)) + layer.epsilon)
    np.testing.assert_allclose(outputs, expected, atol=1e-4)
