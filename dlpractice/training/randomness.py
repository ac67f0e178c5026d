"""Makes runs with the same seed end with the same bits."""

import keras
import tensorflow as tf


def seed_everything(seed: int, *, deterministic: bool = True) -> None:
    """Seeds the generators of initial weights and dropout, and makes TensorFlow's operations repeatable.

    deterministic: false leaves the last out. Once they are repeatable, they stay so until the process ends.

    Keras also numbers layer names from the start again, so that two runs in one process build the same model.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
