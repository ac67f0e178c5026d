"""Nets of AUTOTRAINER (Zhang et al., ICSE 2021), on which DeepDiagnosis was tried (Wardat et al., ICSE 2022).

Its repository is DeepDiagnosis/ICSE2022, folder "AUTOTRAINER Model Code". It names symptoms, no causes.
"""

from keras import Sequential, layers, optimizers
from keras.callbacks import Callback
from panel.programs import material
from panel.programs.program import Program


def stack_sigmoids(mended: bool, watch: Callback) -> None:
    """Two rings through twelve layers of sigmoids."""
    x, y = material.circles()
    if mended:
        hidden = [layers.Dense(16, "relu") for _ in range(2)]
    else:
        hidden = [layers.Dense(5, "sigmoid") for _ in range(12)]
    model = Sequential([*hidden, layers.Dense(1, "sigmoid")])
    model.compile(optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, validation_split=0.2, verbose=0, callbacks=[watch])


def stack_exponentials(mended: bool, watch: Callback) -> None:
    """Two rings through eight layers of exponentials."""
    x, y = material.circles()
    if mended:
        hidden = [layers.Dense(16, "relu", kernel_initializer="he_uniform") for _ in range(2)]
    else:
        hidden = [layers.Dense(5, "exponential", kernel_initializer="he_uniform") for _ in range(8)]
    model = Sequential([*hidden, layers.Dense(1, "sigmoid")])
    model.compile(optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, validation_split=0.2, verbose=0, callbacks=[watch])


def stack_dying_relus(mended: bool, watch: Callback) -> None:
    """Three heaps through eight layers of five ReLUs, whose weights start near zero."""
    x, y = material.blobs()
    if mended:
        hidden = [layers.Dense(16, "relu", kernel_initializer="he_uniform") for _ in range(2)]
    else:
        hidden = [layers.Dense(5, "relu", kernel_initializer="random_uniform") for _ in range(8)]
    model = Sequential([*hidden, layers.Dense(3, "softmax")])
    model.compile(optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, validation_split=0.2, verbose=0, callbacks=[watch])


PROGRAMS = (
    Program(
        "twelve layers of sigmoids",
        "AUTOTRAINER, Circle, gradients vanish",
        "ReLUs, fewer layers",
        ("gradients out of range",),
        stack_sigmoids,
    ),
    Program(
        "eight layers of exponentials",
        "AUTOTRAINER, Circle, gradients explode",
        "ReLUs, fewer layers",
        ("gradients out of range",),
        stack_exponentials,
    ),
    Program(
        "eight layers of ReLUs that start near zero",
        "AUTOTRAINER, Blob, ReLUs die",
        "a larger start, fewer layers",
        ("dead ReLUs", "gradients out of range"),
        stack_dying_relus,
    ),
)
