"""What a faulty program is, and which of them rules may be mended on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

Train = Callable[[bool, keras.callbacks.Callback], None]
"""Trains the program, mended or not, with a callback."""


@dataclass(frozen=True)
class Program:
    """A fault that others collected, restated as a small Keras program.

    name: the fault, in a few words. source: the collection and its case; SO is Stack Overflow. answer: what
    mends it, as the collection has it. names: findings that state the cause or whose remedy is the answer.
    What only states a symptom, such as a loss of NaN or an accuracy at chance, is none of these, except where
    the symptom is all that the collection names. train: see `Train`.
    """

    name: str
    source: str
    answer: str
    names: tuple[str, ...]
    train: Train


def divide(programs: Sequence[Program]) -> tuple[list[Program], list[Program]]:
    """The programs that rules may be mended on, and those that are only measured in the end.

    By turns, in the order of the table: that of the collections, and in each of them by number or name.
    """
    return list(programs[::2]), list(programs[1::2])
