"""Questions on Stack Overflow that TheDeepChecker collected (Ben Braiek and Khomh, TOSEM 2022).

Its repository is thedeepchecker/thedeepchecker, folder SO_buggy_examples. Not restated are IPS_17,
which repeats IPS_5, and IPS_1 and IPS_14, whose faults harm nothing in the few steps taken here.
"""

import numpy as np
from keras import Sequential, initializers, layers, losses, optimizers, utils
from keras.callbacks import Callback
from panel.programs import material
from panel.programs.program import Program


def start_with_large_weights(mended: bool, watch: Callback) -> None:
    """Three layers of 300 whose weights start with a standard deviation of 1."""
    x, y = material.digits()
    start = "he_normal" if mended else initializers.RandomNormal(stddev=1.0)
    hidden = [layers.Dense(300, "relu", kernel_initializer=start) for _ in range(3)]
    last = layers.Dense(10, "softmax", kernel_initializer="glorot_uniform" if mended else start)
    model = Sequential([layers.Flatten(), *hidden, last])
    model.compile(optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=100, epochs=10, verbose=0, callbacks=[watch])


def overshoot_a_line(mended: bool, watch: Callback) -> None:
    """A line through eight points from -8 to 8."""
    x = material.uniform(8, 16) - 8
    y = 3 * x - 2 + np.random.default_rng(1).uniform(-1, 1, x.shape)
    model = Sequential([layers.Dense(1)])
    model.compile(optimizers.SGD(0.01 if mended else 0.1), "mse")
    model.fit(x, y, epochs=100, verbose=0, callbacks=[watch])


def take_logarithms_of_scores(mended: bool, watch: Callback) -> None:
    """A crossentropy of probabilities, given scores."""
    x, y = material.digits()
    model = Sequential([layers.Flatten(), layers.Dense(128, "sigmoid"), layers.Dense(10)])
    model.compile(
        optimizers.SGD(0.5, momentum=0.9),
        losses.BinaryCrossentropy(from_logits=mended),
        metrics=["categorical_accuracy"],
    )
    model.fit(x, utils.to_categorical(y), epochs=10, verbose=0, callbacks=[watch])


def cut_scores(mended: bool, watch: Callback) -> None:
    """Scores for a softmax, from which a ReLU took what is below zero."""
    x, y = material.digits()
    model = Sequential(
        [
            layers.Conv2D(8, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dense(10, None if mended else "relu"),
        ]
    )
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(x, y, epochs=10, validation_split=0.2, verbose=0, callbacks=[watch])


def drop_what_to_keep(mended: bool, watch: Callback) -> None:
    """The share of units to keep, taken for the share to drop."""
    x, y = material.two_classes()
    rate = 0.1 if mended else 0.9
    hidden = [
        layer for units in (20, 20, 15) for layer in (layers.Dense(units, "relu"), layers.Dropout(rate))
    ]
    model = Sequential([*hidden, layers.Dense(1, "sigmoid")])
    model.compile(optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, validation_split=0.3, verbose=0, callbacks=[watch])


def leap_over_tumours(mended: bool, watch: Callback) -> None:
    """Features of thousands with a rate of 0.5."""
    x, y = material.tumours()
    model = Sequential([layers.Dense(2, "softmax")])
    model.compile(
        optimizers.Adam(0.01 if mended else 0.5), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    inputs = material.scale(x) if mended else x
    model.fit(inputs, y, batch_size=8, epochs=15, validation_split=0.2, verbose=0, callbacks=[watch])


def leap_along_a_line(mended: bool, watch: Callback) -> None:
    """A line over 0 to 99 with a rate of 0.5."""
    x = np.arange(100, dtype="float32")[:, None]
    y = 2 * x + 4 + 10 * material.uniform(100, 1)
    if mended:
        x, y = material.scale(x), material.scale(y)
    model = Sequential([layers.Dense(1)])
    model.compile(optimizers.SGD(0.1 if mended else 0.5), "mse")
    model.fit(x, y, epochs=30, verbose=0, callbacks=[watch])


PROGRAMS = (
    Program(
        "weights start too large",
        "DeepChecker, IPS_4",
        "a smaller start",
        ("first loss out of range",),
        start_with_large_weights,
    ),
    Program(
        "rate too high for a line",
        "DeepChecker, IPS_5",
        "a lower rate",
        ("learning rate too high",),
        overshoot_a_line,
    ),
    Program(
        "scores taken for probabilities",
        "DeepChecker, IPS_7",
        "a loss that takes scores",
        ("last layer and loss do not match",),
        take_logarithms_of_scores,
    ),
    Program(
        "ReLU before a softmax",
        "DeepChecker, IPS_11",
        "no activation there",
        ("last layer and loss do not match",),
        cut_scores,
    ),
    Program(
        "share to keep taken for share to drop",
        "DeepChecker, IPS_12",
        "the share to drop",
        ("dropout too high",),
        drop_what_to_keep,
    ),
    Program(
        "unscaled features, rate of 0.5",
        "DeepChecker, IPS_13",
        "standardised features, a lower rate",
        ("inputs unscaled", "learning rate too high"),
        leap_over_tumours,
    ),
    Program(
        "unscaled numbers, rate of 0.5",
        "DeepChecker, IPS_15",
        "standardised numbers, a lower rate",
        ("inputs unscaled", "learning rate too high"),
        leap_along_a_line,
    ),
)
