"""Same seed, same bits."""

import keras
import tensorflow as tf


def seed_everything(seed: int) -> None:
    """Seeds what draws initial weights and dropout, and makes TensorFlow's operations repeatable.

    Layer names start afresh too, so that two runs in one process build the same model.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
