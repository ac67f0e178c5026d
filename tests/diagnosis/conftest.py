"""A short Keras training that fits too closely, logged by Keras in its three ways."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="session")
def keras_logs(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """`history`: what fit returned. `csv`: CSVLogger's file. `tensorboard`: the callback's folder."""
    import keras

    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 10)).astype(np.float32)
    labels = (inputs[:, 0] + rng.normal(size=300) > 0).astype(np.int64)
    model = keras.Sequential(
        [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.CSVLogger(folder / "training.csv"),
        keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
    ]
    history = model.fit(
        inputs[:60],
        labels[:60],
        validation_data=(inputs[60:], labels[60:]),
        epochs=25,
        batch_size=60,
        verbose=0,
        callbacks=callbacks,
    )
    return SimpleNamespace(
        history=history.history, csv=Path(folder / "training.csv"), tensorboard=Path(folder / "tensorboard")
    )
