"""Questions on Stack Overflow from 2018 and 2019 of DeepLocalize (Wardat, Le and Rajan, ICSE 2021).

Not restated are 50481178, where nothing fails, 58609115, whose data are not explained, and 45442843 and
59278771, which repeat others.
"""

import numpy as np
from keras import Sequential, initializers, layers, optimizers, utils
from keras.callbacks import Callback
from panel.programs import material
from panel.programs.program import Program


def squash_a_line(mended: bool, watch: Callback) -> None:
    """Numbers up to 20, by a sigmoid."""
    x = material.uniform(500, 10)
    y = 2 * x + np.random.default_rng(1).normal(0, 0.3, x.shape)
    model = Sequential([layers.Dense(16, "sigmoid"), layers.Dense(1, "linear" if mended else "sigmoid")])
    model.compile(optimizers.Adam(0.02), "mse", metrics=["accuracy"])
    model.fit(x, y, epochs=60, verbose=0, callbacks=[watch])


def cut_negative_numbers(mended: bool, watch: Callback) -> None:
    """Numbers of both signs, by a ReLU."""
    x = np.random.default_rng(0).normal(0, 1, (500, 2)).astype("float32")
    y = np.sin(x.sum(1, keepdims=True))
    model = Sequential([layers.Dense(32, "relu"), layers.Dense(1, "linear" if mended else "relu")])
    model.compile(optimizers.SGD(0.05, momentum=0.9), "mse")
    model.fit(x, y, batch_size=10, epochs=30, verbose=0, callbacks=[watch])


def forget_activations(mended: bool, watch: Callback) -> None:
    """Ten digits by two linear layers, a squared error and a huge rate."""
    x, y = material.digits()
    start = initializers.RandomNormal(stddev=1.0, seed=0)
    hidden, last = ("sigmoid", "softmax") if mended else (None, None)
    model = Sequential(
        [
            layers.Flatten(),
            layers.Dense(30, hidden, kernel_initializer="glorot_uniform" if mended else start),
            layers.Dense(10, last, kernel_initializer="glorot_uniform" if mended else start),
        ]
    )
    loss = "categorical_crossentropy" if mended else "mse"
    model.compile(optimizers.SGD(0.5 if mended else 3.0), loss, metrics=["accuracy"])
    model.fit(x, utils.to_categorical(y), batch_size=10, epochs=12, verbose=0, callbacks=[watch])


def leave_pixels(mended: bool, watch: Callback) -> None:
    """Convolutions on pixels from 0 to 255."""
    x, y = material.digits()
    model = Sequential(
        [
            layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dropout(0.3),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    pixels = x if mended else 255 * x
    model.fit(pixels, utils.to_categorical(y), epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def rush_a_parabola(mended: bool, watch: Callback) -> None:
    """A parabola with SGD's rate ten times too high."""
    x = np.arange(0, 5, 0.02, dtype="float32")[:, None]
    y = 5 * x**2 + np.random.default_rng(0).normal(0, 1, x.shape)
    model = Sequential([layers.Dense(50, "relu"), layers.Dense(30, "relu"), layers.Dense(1)])
    model.compile(optimizers.SGD(0.0005 if mended else 0.1), "mse")
    model.fit(x, y, epochs=120, verbose=0, callbacks=[watch])


def squeeze_three_classes(mended: bool, watch: Callback) -> None:
    """Three classes by one sigmoid."""
    x, y = material.digits()
    x, y = x[y < 3], y[y < 3]
    model = Sequential(
        [
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, "relu"),
            layers.Dense(3, "softmax") if mended else layers.Dense(1, "sigmoid"),
        ]
    )
    loss = "sparse_categorical_crossentropy" if mended else "binary_crossentropy"
    model.compile("rmsprop", loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=16, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def stop_early(mended: bool, watch: Callback) -> None:
    """Two heaps that are far apart, five epochs of five steps."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = rng.uniform(0.2, 0.4, (200, 2)) + 0.3 * y[:, None]
    model = Sequential([layers.Dense(2, "sigmoid"), layers.Dense(2, "softmax")])
    model.compile(
        optimizers.Adam(0.05 if mended else 0.001), "categorical_crossentropy", metrics=["accuracy"]
    )
    epochs, y = 60 if mended else 5, utils.to_categorical(y)
    model.fit(x, y, epochs=epochs, validation_split=0.2, verbose=0, callbacks=[watch])


def end_in_sigmoids(mended: bool, watch: Callback) -> None:
    """Three species by sigmoids and a categorical crossentropy."""
    x, y = material.iris()
    model = Sequential([layers.Dense(8, "relu"), layers.Dense(3, "softmax" if mended else "sigmoid")])
    model.compile(optimizers.Adam(0.005), "categorical_crossentropy", metrics=["accuracy"])
    inputs, y = material.scale(x) if mended else x, utils.to_categorical(y)
    model.fit(inputs, y, batch_size=5, epochs=50, validation_split=0.3, verbose=0, callbacks=[watch])


def leave_fourth_powers(mended: bool, watch: Callback) -> None:
    """The fourth power of -100 to 100, as it is."""
    x = np.arange(-100, 100, 0.5)[:, None]
    y = x**4
    model = Sequential(
        [layers.Dense(50, "relu" if mended else "sigmoid"), layers.Dense(50, "elu"), layers.Dense(1)]
    )
    model.compile(optimizers.Adam(0.005 if mended else 0.001), "mse")
    if mended:
        x, y = material.scale(x), material.scale(y)
    model.fit(x, y, batch_size=32 if mended else len(x), epochs=80, verbose=0, callbacks=[watch])


def crawl_on_pixels(mended: bool, watch: Callback) -> None:
    """Pixels from 0 to 255, sigmoids for classes, and a tiny rate."""
    x, y = material.digits()
    model = Sequential(
        [
            layers.Flatten(),
            layers.Dense(64),
            layers.Dense(50, "relu"),
            layers.Dense(10, "softmax" if mended else "sigmoid"),
        ]
    )
    model.compile(optimizers.SGD(0.1 if mended else 0.0001), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(x if mended else 255 * x, utils.to_categorical(y), epochs=10, verbose=0, callbacks=[watch])


def scale_labels(mended: bool, watch: Callback) -> None:
    """Digits from 0 to 9 over 255, as pixels are scaled."""
    x, y = material.digits()
    model = Sequential(
        [
            layers.Conv2D(8, 3, padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y if mended else y / 255, epochs=10, verbose=0, callbacks=[watch])


_END = ("last layer and loss do not match", "targets out of reach")

PROGRAMS = (
    Program(
        "sigmoid for numbers up to 20",
        "DeepLocalize, SO 48221692",
        "a linear last layer",
        _END,
        squash_a_line,
    ),
    Program(
        "ReLU for numbers of both signs",
        "DeepLocalize, SO 48251943",
        "tanh; here linear, since the numbers leave -1 to 1",
        _END,
        cut_negative_numbers,
    ),
    Program(
        "no activations, squared error, rate of 3",
        "DeepLocalize, SO 48385830",
        "a sigmoid, a softmax, a crossentropy",
        ("activations out of place", "loss does not fit the task", "learning rate too high"),
        forget_activations,
    ),
    Program(
        "pixels from 0 to 255",
        "DeepLocalize, SO 48594888",
        "pixels over 255",
        ("inputs unscaled",),
        leave_pixels,
    ),
    Program(
        "rate too high for a parabola",
        "DeepLocalize, SO 48934338",
        "a lower rate",
        ("learning rate too high",),
        rush_a_parabola,
    ),
    Program(
        "one sigmoid for three classes",
        "DeepLocalize, SO 50079585",
        "a softmax over three units and a categorical crossentropy",
        _END,
        squeeze_three_classes,
    ),
    Program(
        "25 small steps",
        "DeepLocalize, SO 50306988",
        "more epochs",
        ("trained too briefly", "learning rate too low"),
        stop_early,
    ),
    Program(
        "sigmoids for exclusive classes",
        "DeepLocalize, SO 51930566",
        "a softmax, standardised features",
        (*_END, "inputs unscaled"),
        end_in_sigmoids,
    ),
    Program(
        "inputs and targets unscaled",
        "DeepLocalize, SO 52800582",
        "standardised inputs and targets",
        ("targets unscaled", "inputs unscaled"),
        leave_fourth_powers,
    ),
    Program(
        "pixels to 255, sigmoids for classes, rate of 1e-4",
        "DeepLocalize, SO 55328966",
        "pixels over 255, a softmax",
        ("inputs unscaled", *_END),
        crawl_on_pixels,
    ),
    Program(
        "labels over 255",
        "DeepLocalize, SO 59325381",
        "labels as they are",
        ("targets out of reach", "loss cannot be right"),
        scale_labels,
    ),
)
