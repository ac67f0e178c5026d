"""Optimisers and schedules of the learning rate, a row each.

Keras is imported inside the functions, so that reading the tables imports nothing.
"""

from __future__ import annotations

import math
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


FEWEST_EPOCHS, MOST_EPOCHS = 5, 200
_EPOCHS, _IMAGES = 30, 1000


def pace_epochs(images: int) -> int:
    """How often to go over so many training images: 30 times over 1,000, by the root of their number.

    Four times the data are gone over half as often, so that steps double. So few images as a hundred get
    several hundred steps of 32, which a net needs whatever the data; 40,000 take six times the steps of
    1,000, and not forty. Kolesnikov et al. 2020 (BiT, arXiv:1912.11370) set steps by the size of the data,
    not epochs, too, in three sizes: 500, 10,000 and 20,000 steps of 512 images below 20,000, below 500,000
    and above.
    """
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(_EPOCHS * math.sqrt(_IMAGES / images))))
