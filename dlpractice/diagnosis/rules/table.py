"""Every rule, in the order of importance, and which findings are explained by others."""

from collections.abc import Mapping

from dlpractice.diagnosis.rules.embeddings import EMBEDDINGS
from dlpractice.diagnosis.rules.generalisation import (
    AT_CHANCE,
    DROPOUT_TOO_HIGH,
    LATE_VARIANCE,
    OVERFITTING,
    UNDERFITTING,
    VALIDATION_ABOVE,
)
from dlpractice.diagnosis.rules.labels import CAPPED_CONFIDENCE, LABEL_ERRORS, WORST_MISTAKES
from dlpractice.diagnosis.rules.optimisation import (
    EXPLODED,
    HIGH_RATE,
    LOW_RATE,
    SPIKES,
    STANDSTILL,
    UNFINISHED_RUN,
)
from dlpractice.diagnosis.rules.rule import Rule
from dlpractice.diagnosis.rules.signals import SIGNALS
from dlpractice.diagnosis.rules.splits import (
    CLASS_SHIFT,
    COPIES,
    FEW_IMAGES,
    IMBALANCED,
    REPEATED_TEST,
    SMALL_VALIDATION,
    UNPREDICTED,
)

RULES: tuple[Rule, ...] = (
    EXPLODED,
    STANDSTILL,
    COPIES,
    *SIGNALS,
    CAPPED_CONFIDENCE,
    HIGH_RATE,
    LOW_RATE,
    AT_CHANCE,
    *EMBEDDINGS,
    IMBALANCED,
    UNPREDICTED,
    FEW_IMAGES,
    DROPOUT_TOO_HIGH,
    LABEL_ERRORS,
    OVERFITTING,
    UNDERFITTING,
    VALIDATION_ABOVE,
    CLASS_SHIFT,
    REPEATED_TEST,
    LATE_VARIANCE,
    UNFINISHED_RUN,
    SPIKES,
    SMALL_VALIDATION,
    WORST_MISTAKES,
)

_NOT_TRAINED = (
    "loss exploded",
    "nothing is trained",
    "last layer and loss do not match",
    "inputs unscaled",
    "dead ReLUs",
    "saturated activations",
    "learning rate too high",
    "learning rate too low",
)

EXPLAINED_BY: Mapping[str, tuple[str, ...]] = {
    "embedding collapsed": ("loss exploded", "dead ReLUs", "learning rate too high"),
    "accuracy at chance": (*_NOT_TRAINED, "dropout too high", "embedding collapsed"),
    "underfitting": (
        *_NOT_TRAINED,
        "accuracy at chance",
        "dropout too high",
        "label errors",
        "embedding collapsed",
    ),
    "overfitting": (
        "accuracy at chance",
        "too few images",
        "too few classes",
        "label errors",
        "class imbalance",
    ),
    "label errors": (*_NOT_TRAINED, "one batch is not learnt"),
    "class shift": ("class imbalance",),
    "class never predicted": (
        *_NOT_TRAINED,
        "class imbalance",
        "accuracy at chance",
        "dropout too high",
        "underfitting",
    ),
    "dead ReLUs": ("loss exploded", "inputs unscaled", "learning rate too high"),
    "gradients out of range": _NOT_TRAINED,
    "updates out of range": ("nothing is trained", "learning rate too high", "learning rate too low"),
    "first loss out of range": ("last layer and loss do not match", "inputs unscaled"),
    "one batch is not learnt": (*_NOT_TRAINED, "dropout too high"),
    "learning rate too high": ("dropout too high",),
    "learning rate too low": ("nothing is trained", "dead ReLUs", "probabilities taken for logits"),
    "validation above training": ("dropout too high", "class imbalance"),
}
"""Consequence -> the findings that cause such a thing: beside one of them it stands behind it, in doubt."""
