"""Optimisers and schedules of the learning rate, a row each.

Keras is imported inside the functions, so that reading the tables imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Optimiser:
    """One optimiser.

    about: what it is, in a few words.
    usual_rate: the learning rate to begin with, as text that a config can hold.
    build: takes the decoupled weight decay and gives a Keras optimiser.
    """

    about: str
    usual_rate: str
    build: Callable[[float], Any]


def _build_adamw(weight_decay: float) -> Any:
    import keras

    return keras.optimizers.AdamW(weight_decay=weight_decay)


def _build_sgd(weight_decay: float) -> Any:
    import keras

    return keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=weight_decay)


OPTIMISERS: dict[str, Optimiser] = {
    "adamw": Optimiser("AdamW", "1e-3", _build_adamw),
    "sgd": Optimiser("SGD with Nesterov momentum 0.9", "1e-2", _build_sgd),
}

SCHEDULES: dict[str, str] = {
    "cosine": "as a cosine to zero",
    "plateau": "when validation stalls",
    "constant": "not",
}
"""How the learning rate falls; training/optimisers/schedules.py has the arithmetic of each."""
