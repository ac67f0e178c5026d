"""Faults that TheDeepChecker planted in two programs of its own (Ben Braiek and Khomh, TOSEM 2022).

Its repository is thedeepchecker/thedeepchecker, folder buggy_synthetic_programs; by the names of its folders.
Not restated are a missing normalisation between layers and a missing regularisation, which harm nothing
here, a wrong augmentation, a small epsilon of Adam, and losses and a softmax that are written out wrongly.
"""

import numpy as np
from keras import Sequential, layers, losses, optimizers, regularizers
from keras.callbacks import Callback
from panel.programs import material
from panel.programs.program import Program


def _convolve(
    last: str | None = "softmax", hidden: str = "relu", decay: float = 0.0, start: str | None = None
) -> Sequential:
    """A small net for ten digits."""
    settings = {
        "kernel_regularizer": regularizers.L2(decay) if decay else None,
        "kernel_initializer": start or "he_normal",
    }
    return Sequential(
        [
            layers.Conv2D(8, 3, padding="same", activation=hidden, **settings),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, hidden, **settings),
            layers.Dense(10, last, kernel_initializer=start or "glorot_uniform"),
        ]
    )


def _train_digits(model: Sequential, watch: Callback, x: object, y: object, rate: float = 0.1) -> None:
    model.compile(optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def normalise_twice(mended: bool, watch: Callback) -> None:
    """Pixels over 255, and over 255 again."""
    x, y = material.digits()
    _train_digits(_convolve(), watch, x if mended else x / 255, y)


def climb(mended: bool, watch: Callback) -> None:
    """Steps against the right direction: a loss with the wrong sign."""
    x, y = material.digits()
    loss, model = losses.SparseCategoricalCrossentropy(), _convolve()
    model.compile(
        optimizers.SGD(0.1),
        loss if mended else lambda true, given: -losses.sparse_categorical_crossentropy(true, given),
        metrics=["sparse_categorical_accuracy"],
    )
    model.fit(x, y, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def step_far(mended: bool, watch: Callback) -> None:
    """Adam's rate a hundred times its default."""
    x, y = material.digits()
    model = _convolve()
    model.compile(
        optimizers.Adam(0.001 if mended else 0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x, y, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def step_little(mended: bool, watch: Callback) -> None:
    """SGD's rate a thousandth of what it should be."""
    x, y = material.digits()
    _train_digits(_convolve(), watch, x, y, rate=0.1 if mended else 0.0001)


def normalise_never(mended: bool, watch: Callback) -> None:
    """Pixels from 0 to 255."""
    x, y = material.digits()
    _train_digits(_convolve(), watch, x if mended else 255 * x, y)


def forget_softmax(mended: bool, watch: Callback) -> None:
    """Scores for a loss that takes probabilities."""
    x, y = material.digits()
    _train_digits(_convolve(last="softmax" if mended else None), watch, x, y)


def penalise_weights(mended: bool, watch: Callback) -> None:
    """A weight decay that outweighs the loss."""
    x, y = material.digits()
    _train_digits(_convolve(decay=1e-5 if mended else 0.3), watch, x, y)


def leave_targets(mended: bool, watch: Callback) -> None:
    """Numbers of 140 +- 50 for a net that starts at 0."""
    x, y = material.numbers()
    model = Sequential([layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    targets = material.scale(y) if mended else 10 * y
    model.fit(x, targets, epochs=12, validation_split=0.2, verbose=0, callbacks=[watch])


def apply_softmax_twice(mended: bool, watch: Callback) -> None:
    """A softmax of what a softmax gives."""
    x, y = material.digits()
    model = _convolve()
    if not mended:
        model.add(layers.Softmax())
    _train_digits(model, watch, x, y)


def thin_out_classes(mended: bool, watch: Callback) -> None:
    """Half of the classes keep one example in 30."""
    x, y = material.digits()
    kept = np.ones(len(y), bool) if mended else (y < 5) | (np.arange(len(y)) % 30 == 0)
    _train_digits(_convolve(), watch, x[kept], y[kept])


def hide_softmax(mended: bool, watch: Callback) -> None:
    """A softmax in the hidden layers."""
    x, y = material.digits()
    _train_digits(_convolve(hidden="relu" if mended else "softmax"), watch, x, y)


def start_alike(mended: bool, watch: Callback) -> None:
    """Weights that are all zero at first."""
    x, y = material.digits()
    _train_digits(_convolve(start=None if mended else "zeros"), watch, x, y)


def shuffle_images_alone(mended: bool, watch: Callback) -> None:
    """Images in another order than their labels."""
    x, y = material.digits()
    _train_digits(_convolve(), watch, x if mended else np.random.default_rng(1).permutation(x), y)


def square_errors(mended: bool, watch: Callback) -> None:
    """Classes by a squared error."""
    x, y = material.digits()
    model, targets = _convolve(), np.eye(10)[y]
    model.compile(optimizers.SGD(0.1), "categorical_crossentropy" if mended else "mse", metrics=["accuracy"])
    model.fit(x, targets, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def classify_numbers(mended: bool, watch: Callback) -> None:
    """Numbers by a crossentropy."""
    x, y = material.numbers()
    model = Sequential([layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1)])
    model.compile("adam", "mse" if mended else "categorical_crossentropy", metrics=["mae"])
    model.fit(x, material.scale(y), epochs=12, validation_split=0.2, verbose=0, callbacks=[watch])


_SOURCE = "DeepChecker, "
_END = ("last layer and loss do not match", "targets out of reach")

PROGRAMS = (
    Program(
        "pixels scaled twice",
        f"{_SOURCE}double_normalization",
        "pixels from 0 to 1",
        ("inputs unscaled",),
        normalise_twice,
    ),
    Program(
        "loss with the wrong sign",
        f"{_SOURCE}flipped_sign",
        "the right sign",
        ("loss cannot be right",),
        climb,
    ),
    Program("rate x100", f"{_SOURCE}high_lr", "a lower rate", ("learning rate too high",), step_far),
    Program("rate /1000", f"{_SOURCE}low_lr", "a higher rate", ("learning rate too low",), step_little),
    Program(
        "pixels not scaled",
        f"{_SOURCE}missing_normalization",
        "pixels from 0 to 1",
        ("inputs unscaled",),
        normalise_never,
    ),
    Program("no softmax", f"{_SOURCE}missing_softmax", "a softmax", _END, forget_softmax),
    Program(
        "weight decay outweighs the loss",
        f"{_SOURCE}over_regularization",
        "a smaller one",
        ("penalty too large",),
        penalise_weights,
    ),
    Program(
        "targets not scaled",
        f"{_SOURCE}over_scaled_outputs",
        "standardised targets",
        ("targets unscaled",),
        leave_targets,
    ),
    Program(
        "softmax applied twice",
        f"{_SOURCE}redundant_softmax",
        "one softmax",
        ("last layer and loss do not match", "probabilities taken for logits", "activations out of place"),
        apply_softmax_twice,
    ),
    Program(
        "classes of different sizes",
        f"{_SOURCE}unbalanced_data",
        "as many of each",
        ("class imbalance",),
        thin_out_classes,
    ),
    Program(
        "softmax in hidden layers",
        f"{_SOURCE}wrong_activation",
        "ReLUs",
        ("activations out of place", "gradients out of range"),
        hide_softmax,
    ),
    Program("weights start alike", f"{_SOURCE}wrong_init", "a random start", ("units alike",), start_alike),
    Program(
        "images shuffled alone",
        f"{_SOURCE}wrong_labels",
        "images and labels in one order",
        ("accuracy at chance", "label errors"),
        shuffle_images_alone,
    ),
    Program(
        "squared error of classes",
        f"{_SOURCE}wrong_loss_selection, CNN",
        "a crossentropy",
        ("loss does not fit the task",),
        square_errors,
    ),
    Program(
        "crossentropy of numbers",
        f"{_SOURCE}wrong_loss_selection, regression",
        "a squared error",
        (*_END, "loss does not fit the task", "loss cannot be right"),
        classify_numbers,
    ),
)
