"""Rules about curves that should go together: the two losses, and a loss and its accuracy."""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.trends import Trend
from dlpractice.diagnosis.finding import Confidence, Sign
from dlpractice.diagnosis.record import CURVES
from dlpractice.diagnosis.rule import SURE, UNTRAINED, Rule, Threshold
from dlpractice.diagnosis.rules.bias_and_variance import GAP

APART = Threshold(
    "validation loss above the training loss, share of what that fell",
    0.5,
    "chosen: 93 in 100 of the even half of 397 healthy histories (Li et al., IEEE Access 2024) have less",
)
FOLLOWED = Threshold(
    "fall of the validation loss, share of the training loss's",
    0.25,
    "chosen: those histories have 0.35 or more",
)
OTHER_DATA = Threshold("validation loss over the highest training loss", 10.0, "chosen")
LEAST_COST = Threshold("cross-entropy of a wrong answer, nats", math.log(2), "its class has at most one half")


def see_gap(case: Case) -> Sign | None:
    """A validation loss that stays far above the training loss, or never followed it."""
    train, val = case.trends["loss"], case.trends["val_loss"]
    (low, low_error), (high, high_error) = train.level, val.level
    gap, elsewhere = high - low, _is_elsewhere(train, val)
    if gap <= SURE.value * math.hypot(low_error, high_error):
        return None
    if not elsewhere and not SURE.value * train.noise < APART.value * train.fall < gap:
        return None
    followed = (val.start - float(val.smooth.min())) / max(train.fall, 1e-12)
    evidence = [
        f"over the later half the validation loss is {high:.3g} and the training loss {low:.3g}",
        f"the training loss fell by {train.fall:.3g}, the validation loss by "
        f"{max(0.0, val.start - float(val.smooth.min())):.3g} at most",
    ]
    if elsewhere:
        evidence.append("so far apart that the two may not be measured on like data, or not in the same way")
    alone = followed < FOLLOWED.value and train.fall > APART.value * gap and not _answers_agree(case)
    sure: Confidence = "medium" if elsewhere or alone else "low"
    return Sign("warning" if elsewhere or alone else "info", sure, tuple(evidence), (), "val_loss")


def _is_elsewhere(train: Trend, val: Trend) -> bool:
    highest = float(train.raw.max())
    return 0 < OTHER_DATA.value * highest < float(np.median(val.raw))


def _answers_agree(case: Case) -> bool:
    """Whether accuracies are known and not far apart: then it is the confidence that differs."""
    return case.errors is not None and case.errors.gap_interval[0] <= GAP.value


def see_contradiction(case: Case) -> Sign | None:
    """An accuracy that no cross-entropy as low as the loss allows, or one of predicted numbers."""
    if case.record.run is not None:
        return None
    if case.is_regression:
        best = float(np.nanmax(case.record.curves["accuracy"].array))
        text = (
            f"the accuracy is {best:.2%} at best and does not follow the loss: numbers seem to be predicted"
        )
        return Sign(
            "info", "medium", (f"{text}, which hardly ever meet the right one exactly",), (), "accuracy"
        )
    for prefix in ("", "val_"):
        loss, accuracy = case.trends.get(f"{prefix}loss"), case.trends.get(f"{prefix}accuracy")
        if loss is None or accuracy is None:
            continue
        wrong = 1 - accuracy.end
        if 0 < loss.end < LEAST_COST.value * (wrong - SURE.value * float(accuracy.errors[-1])):
            text = (
                f"the {CURVES[prefix + 'loss']} is {loss.end:.3g} with {wrong:.1%} wrong answers; a "
                f"cross-entropy "
                f"of one answer each would be {LEAST_COST.value * wrong:.3g} at least"
            )
            return Sign("info", "medium", (text,), (), f"{prefix}loss")
    return None


RULES = (
    Rule(
        name="validation far above training",
        finds="The validation loss stays far above the training loss.",
        needs=("a trend of the training loss", "a trend of the validation loss"),
        thresholds=(APART, FOLLOWED, OTHER_DATA, GAP, SURE),
        causes=(
            "learning by heart, validation data unlike those of training, other preprocessing, batch "
            "statistics "
            "that do not fit, a few examples with huge losses"
        ),
        remedy="measure the training loss on some training examples as validation is measured, and compare",
        look=see_gap,
        importance=85,
        explained_by=("overfitting", "accuracy at chance", "underfitting", "loss exploded"),
    ),
    Rule(
        name="accuracy does not fit the loss",
        finds="The accuracy is not one that a cross-entropy like the loss can have.",
        needs=("training loss",),
        thresholds=(LEAST_COST, SURE),
        causes=(
            "numbers that are predicted, where an accuracy means nothing; another loss than "
            "cross-entropy, or one "
            "averaged over several outputs; a metric that compares something else; an accuracy in other units"
        ),
        remedy=(
            "a measure that fits the task: the mean error for numbers; else look at how the accuracy "
            "is computed"
        ),
        look=see_contradiction,
        importance=84,
        explained_by=(UNTRAINED,),
    ),
)
