"""Questions on Stack Overflow from 2015 to 2017 of DeepLocalize (Wardat, Le and Rajan, ICSE 2021).

Its repository is Wardat-ISU/DeepLocalize, folder Benchmark/StackOverflow. Not restated are 31627380 and
47724077, whose patches do not mend them, 41372874, which is right, 44164749, where nothing fails, and
45337371, which is not trained.
"""

import numpy as np
from keras import Sequential, layers, optimizers, utils
from keras.callbacks import Callback
from panel.programs import material
from panel.programs.program import Program


def lose_absolute_error(mended: bool, watch: Callback) -> None:
    """XOR by a mean absolute error and small steps."""
    x, y = material.xor()
    model = Sequential([layers.Dense(4, "sigmoid"), layers.Dense(1, "sigmoid")])
    if mended:
        model.compile(optimizers.Adam(0.05), "mse", metrics=["accuracy"])
    else:
        model.compile(optimizers.SGD(0.05, momentum=0.11, nesterov=True), "mae", metrics=["accuracy"])
    model.fit(x, y, batch_size=4, epochs=20, verbose=0, callbacks=[watch])


def classify_by_one_softmax(mended: bool, watch: Callback) -> None:
    """Two kinds of rows, told by a softmax over a single unit."""
    y = np.random.default_rng(0).integers(0, 2, 2000)
    x = np.repeat(y[:, None], 128, axis=1).astype("float32")
    model = Sequential(
        [
            layers.Dense(50, "relu"),
            layers.Dropout(0.2),
            layers.Dense(50, "relu"),
            layers.Dropout(0.2),
            layers.Dense(1, "sigmoid" if mended else "softmax"),
        ]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=6, validation_split=0.1, verbose=0, callbacks=[watch])


def regress_by_one_softmax(mended: bool, watch: Callback) -> None:
    """A weighted sum, predicted by a softmax over a single unit."""
    x = material.uniform(1000, 1, 1, 1)
    y = x @ np.array([[2.0], [1.0], [0.5]], "float32") + 2.2
    model = Sequential(
        [
            layers.Dense(8, "tanh"),
            layers.Dense(8, "tanh"),
            layers.Dense(1, "linear" if mended else "softmax"),
        ]
    )
    model.compile(optimizers.SGD(0.01, momentum=0.9, nesterov=True), "mse", metrics=["accuracy"])
    model.fit(x, y, epochs=20, verbose=0, callbacks=[watch])


def solve_xor_by_softmax(mended: bool, watch: Callback) -> None:
    """XOR by a softmax over a single unit, a small rate and 20 epochs."""
    x, y = material.xor()
    model = Sequential(
        [
            layers.Dense(8, "sigmoid"),
            layers.Dense(8, "sigmoid"),
            layers.Dense(1, "sigmoid" if mended else "softmax"),
        ]
    )
    model.compile(optimizers.SGD(2.0 if mended else 0.001, momentum=0.9, nesterov=True), "mse")
    model.fit(x, y, batch_size=4, epochs=20, verbose=0, callbacks=[watch])


def square_error_of_classes(mended: bool, watch: Callback) -> None:
    """Two classes by a squared error, from features of thousands."""
    x, y = material.tumours()
    model = Sequential(
        [
            layers.Dense(64, "tanh"),
            layers.Dropout(0.5),
            layers.Dense(64, "tanh"),
            layers.Dropout(0.5),
            layers.Dense(2, "softmax"),
        ]
    )
    loss = "categorical_crossentropy" if mended else "mse"
    model.compile(optimizers.SGD(0.01, momentum=0.9, nesterov=True), loss, metrics=["accuracy"])
    inputs = material.scale(x) if mended else x
    model.fit(inputs, utils.to_categorical(y), batch_size=16, epochs=20, verbose=0, callbacks=[watch])


def exclude_labels(mended: bool, watch: Callback) -> None:
    """Examples with several labels each, by a softmax and a squared error."""
    x, y = material.many_labels()
    model = Sequential(
        [
            layers.Dense(20, "relu"),
            layers.Dropout(0.2),
            layers.Dense(3, "sigmoid" if mended else "softmax"),
        ]
    )
    model.compile(optimizers.SGD(0.1), "binary_crossentropy" if mended else "mse", metrics=["accuracy"])
    model.fit(x, y, batch_size=20, epochs=20, validation_split=0.2, verbose=0, callbacks=[watch])


def copy_bits_by_sigmoids(mended: bool, watch: Callback) -> None:
    """Eight bits through three layers of sigmoids with SGD's default rate."""
    x = np.array([[number >> bit & 1 for bit in range(8)] for number in range(256)], "float32")
    if mended:
        hidden = [layers.Dense(24, "relu"), layers.Dense(24, "relu")]
        model = Sequential([*hidden, layers.Dense(8, "sigmoid")])
        model.compile(optimizers.Adam(0.01), "binary_crossentropy", metrics=["binary_accuracy"])
    else:
        model = Sequential([layers.Dense(8, "sigmoid", kernel_initializer="normal") for _ in range(3)])
        model.compile("sgd", "mse", metrics=["binary_accuracy"])
    model.fit(x, x, batch_size=16, epochs=60, verbose=0, callbacks=[watch])


def mix_scales(mended: bool, watch: Callback) -> None:
    """Three features, of ones, thousands and ten thousands."""
    x = material.uniform(600, 1, 1e3, 3e4)
    y = (material.scale(x).sum(1) > 0).astype("float32")
    model = Sequential([layers.Dense(12, "relu"), layers.Dense(8, "relu"), layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    inputs = material.scale(x) if mended else x
    model.fit(inputs, y, batch_size=10, epochs=30, validation_split=0.3, verbose=0, callbacks=[watch])


def end_in_relu(mended: bool, watch: Callback) -> None:
    """Two classes from features of millions, by a ReLU."""
    x = material.uniform(600, *[10.0**power for power in range(7)])
    y = (material.scale(x).sum(1) > 0).astype("float32")
    model = Sequential(
        [
            layers.Dense(12, "relu"),
            layers.Dense(12, "relu"),
            layers.Dense(1, "sigmoid" if mended else "relu"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(material.scale(x) if mended else x, y, batch_size=5, epochs=20, verbose=0, callbacks=[watch])


def end_convolutions_in_relu(mended: bool, watch: Callback) -> None:
    """Ten digits by ReLUs, whose crossentropy wants probabilities."""
    x, y = material.digits()
    model = Sequential(
        [
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dropout(0.5),
            layers.Dense(10, "softmax" if mended else "relu"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, utils.to_categorical(y), epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


_END = ("last layer and loss do not match", "targets out of reach")

PROGRAMS = (
    Program(
        "mean absolute error and small steps on XOR",
        "DeepLocalize, SO 31556268",
        "Adam, a squared error, more epochs",
        ("learning rate too low", "loss does not fit the task", "trained too briefly"),
        lose_absolute_error,
    ),
    Program(
        "softmax over one unit, two classes",
        "DeepLocalize, SO 31880720",
        "a sigmoid",
        _END,
        classify_by_one_softmax,
    ),
    Program(
        "softmax over one unit, numbers",
        "DeepLocalize, SO 33969059",
        "a linear last layer",
        _END,
        regress_by_one_softmax,
    ),
    Program(
        "softmax over one unit, XOR",
        "DeepLocalize, SO 34311586",
        "a sigmoid, a higher rate, more epochs",
        _END,
        solve_xor_by_softmax,
    ),
    Program(
        "squared error of classes, unscaled features",
        "DeepLocalize, SO 34673164",
        "a crossentropy, normalised inputs",
        ("loss does not fit the task", "inputs unscaled"),
        square_error_of_classes,
    ),
    Program(
        "softmax and squared error for several labels",
        "DeepLocalize, SO 38648195",
        "a sigmoid and a binary crossentropy",
        (*_END, "loss does not fit the task"),
        exclude_labels,
    ),
    Program(
        "three layers of sigmoids, squared error, low rate",
        "DeepLocalize, SO 39217567",
        "ReLUs, a binary crossentropy, more steps",
        (
            "learning rate too low",
            "gradients out of range",
            "loss does not fit the task",
            "trained too briefly",
        ),
        copy_bits_by_sigmoids,
    ),
    Program(
        "features of different scales",
        "DeepLocalize, SO 39525358",
        "standardised features",
        ("inputs unscaled",),
        mix_scales,
    ),
    Program(
        "ReLU for two classes, unscaled features",
        "DeepLocalize, SO 44066044",
        "a sigmoid, standardised features",
        (*_END, "inputs unscaled"),
        end_in_relu,
    ),
    Program(
        "ReLU for ten classes",
        "DeepLocalize, SO 47352366",
        "a softmax",
        _END,
        end_convolutions_in_relu,
    ),
)
