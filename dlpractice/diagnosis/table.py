"""Every rule, in the order of importance: what stands first explains what stands later."""

from dlpractice.diagnosis.embeddings import EMBEDDINGS
from dlpractice.diagnosis.generalisation import (
    AT_CHANCE,
    DROPOUT_TOO_HIGH,
    LATE_VARIANCE,
    OVERFITTING,
    UNDERFITTING,
    VALIDATION_ABOVE,
)
from dlpractice.diagnosis.labels import CAPPED_CONFIDENCE, LABEL_ERRORS, WORST_MISTAKES
from dlpractice.diagnosis.optimisation import (
    EXPLODED,
    HIGH_RATE,
    LOW_RATE,
    SPIKES,
    STANDSTILL,
    UNFINISHED_RUN,
)
from dlpractice.diagnosis.rule import Rule
from dlpractice.diagnosis.signals import SIGNALS
from dlpractice.diagnosis.splits import (
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
