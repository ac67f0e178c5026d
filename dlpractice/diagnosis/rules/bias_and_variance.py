"""Rules about bias and variance: the lecture's advice, made exact.

High training error, underfitting: a larger model. Low training and high validation error, overfitting: more
regularisation, more data, heavier augmentation. Both low: done (Dudar 2018; bias and variance as in Ng,
Machine Learning Yearning, 2018).
"""

import math

from dlpractice.diagnosis.case import Case, Errors
from dlpractice.diagnosis.curves.trends import Change, Trend
from dlpractice.diagnosis.finding import Confidence, Sign
from dlpractice.diagnosis.guessing import NEAR, see_guessing, starts_at_guessing
from dlpractice.diagnosis.remedies import enlarge, name_remedy, regularise, train_longer, train_steps
from dlpractice.diagnosis.rule import SURE, UNTRAINED, Rule, Threshold

RISE = Threshold(
    "rise of the validation loss over its lowest, share of the training loss's fall",
    0.04,
    "between 0.03 and 0.05 on the even half of 419 labelled histories (Li et al., IEEE Access 2024)",
)
OF_LEVEL = Threshold(
    "that rise, share of the loss, where training starts at what guessing costs, so that losses end at 0",
    0.03,
    "between 0.025 and 0.046 on the same half",
)
ALONG = Threshold("rise of the training loss, share of that rise", 0.1, "chosen: overfitting lets it fall")
GAP = Threshold("lower end of the gap's interval", 0.05, "chosen: five points of accuracy are worth a change")
SEEN_GAP = Threshold("gap for a remark, its interval above 0 and the target missed", 0.02, "chosen")
BIAS = Threshold("lower end of the bias's interval", 0.05, "as for the gap")
LITTLE_LEFT = Threshold("training error that may be all that can be had", 0.15, "chosen")
UNKNOWN_BIAS = Threshold(
    "training error where no target is known, share of what guessing makes",
    0.5,
    "chosen: half-way to guessing",
)
FEW_STEPS = Threshold(
    "optimiser steps",
    300.0,
    "chosen: Adam's steps move a weight by its rate at most (Kingma and Ba 2015), 300 of 1e-3 by 0.3",
)
FALLS = Threshold("fall of the training loss in the last fifth, share of its whole fall", 0.02, "chosen")
DROPOUT = Threshold("dropout", 0.7, "0.5 is the usual most (Srivastava et al. 2014)")


def see_overfitting(case: Case) -> Sign | None:
    """A rising validation loss, or a gap between the errors beyond its noise; a small gap is a remark."""
    rise, errors = rising_loss(case), case.errors
    evidence = []
    wide = errors is not None and errors.gap_interval[0] > GAP.value and not _is_bias_larger(case, errors)
    if errors is not None and (wide or is_gap_seen(case)):
        evidence.append(errors.describe())
    if rise is not None:
        evidence.append(_describe_rise(case, rise))
    if not evidence:
        return None
    harmless = not wide and errors is not None and (rise is None or _accuracy_holds(case))
    sure = (wide and rise is not None) or (rise is not None and rise.deviations > 2 * SURE.value)
    change = regularise(case.record.run)
    return Sign(
        "info" if harmless else "warning",
        "high" if sure else "medium",
        tuple(evidence),
        change,
        "val_loss",
        remedy=name_remedy(case.record.run, change),
    )


def _describe_rise(case: Case, rise: Change) -> str:
    text = (
        f"the validation loss rose from {rise.before:.3g} at {case.clock} {rise.since:g} to "
        f"{rise.after:.3g} at "
        f"{case.clock} {rise.until:g}"
    )
    train = case.trends.get("loss")
    if train is None:
        return text
    return f"{text}; the training loss went from {train.at(rise.since):.3g} to {train.at(rise.until):.3g}"


def rising_loss(case: Case) -> Change | None:
    """How the validation loss rose from its lowest place to the end; None where noise explains the rise, or
    where the training loss rose as well.

    It counts against what the training loss gained, which is the same wherever a loss has its zero; and
    against the loss itself, where its zero is known.
    """
    trend, train = case.trends.get("val_loss"), case.trends.get("loss")
    if trend is None:
        return None
    gained = max((train or trend).fall, SURE.value * (train or trend).noise)
    least = OF_LEVEL.value if starts_at_guessing(case, NEAR.value) else 0.0
    seen = [
        rise
        for rise in (trend.rise(), *trend.averaged_rises())
        if rise.deviations > SURE.value and rise.amount > RISE.value * gained and rise.relative > least
    ]
    return next((rise for rise in seen if not _rises_along(train, rise)), None)


def _rises_along(train: Trend | None, rise: Change) -> bool:
    """Whether the training loss rose as well, by more than a tenth as much. Overfitting lets it fall."""
    if train is None:
        return False
    return train.at(rise.until) - train.at(rise.since) > max(ALONG.value * rise.amount, train.noise)


def is_gap_seen(case: Case) -> bool:
    """Whether the gap is beyond its noise and no smaller than the bias, and the target is missed."""
    errors = case.errors
    if errors is None or errors.gap_interval[0] <= 0 or errors.gap < SEEN_GAP.value:
        return False
    target = case.target.error if case.target is not None else 0.0
    return errors.val_interval[0] > target and not _is_bias_larger(case, errors)


def _is_bias_larger(case: Case, errors: Errors) -> bool:
    target = case.target.error if case.target is not None else 0.0
    return errors.train - target > errors.gap


def _accuracy_holds(case: Case) -> bool:
    """Whether the validation accuracy ends at its best, within its noise. Then a rising loss means that wrong
    answers are given with more confidence, not that there are more of them."""
    trend = case.trends.get("val_accuracy")
    if trend is None:
        return False
    drop = float(trend.smooth.max()) - trend.end
    return drop < max(
        0.01, SURE.value * math.hypot(float(trend.errors[-1]), float(trend.errors[trend.smooth.argmax()]))
    )


def see_underfitting(case: Case) -> Sign | None:
    """A training error above the target by more than its noise, and above the gap.

    Where the target is not known, a training error is no bias: it may be all that can be had, unless it is
    nearer to that of guessing than to none. A model that was trained for a few steps only is not too small.
    """
    if not _has_bias(case) or see_brevity(case) is not None:
        return None
    if case.record.run is None and see_guessing(case) is not None:
        return None  # no larger model guesses better
    errors = case.errors
    assert errors is not None
    falls = _still_falls(case)
    evidence = [_describe_bias(case, errors), errors.describe(), *([falls] if falls else [])]
    known = case.target is not None
    confidence: Confidence = (
        "high" if known and errors.counted and not falls else "medium" if known else "low"
    )
    run = case.record.run
    change = (train_longer(run) if falls else ()) or enlarge(run)
    words = "more epochs first; a larger model if they do not help" if falls else name_remedy(run, change)
    return Sign("warning", confidence, tuple(evidence), change, "accuracy", remedy=words)


def see_brevity(case: Case) -> Sign | None:
    """Training examples that are not learnt after a few optimiser steps."""
    steps = case.record.steps
    if steps is None or steps >= FEW_STEPS.value or not _has_bias(case):
        return None
    errors = case.errors
    assert errors is not None
    evidence = (
        f"{steps:g} optimiser steps, and a training error of {errors.train:.1%}: whether the model is too "
        f"small "
        "cannot be told yet",
        errors.describe(),
    )
    return Sign("warning", "medium", evidence, train_steps(case.record.run, steps, FEW_STEPS.value), "loss")


def _has_bias(case: Case) -> bool:
    """Whether the training error is above the target, or near that of guessing, and above the gap."""
    errors = case.errors
    if errors is None or not _is_bias_larger(case, errors):
        return False
    if case.target is not None:
        return errors.train_interval[0] - case.target.error >= BIAS.value
    return errors.train_interval[0] > UNKNOWN_BIAS.value * _guessing_error(case)


def _describe_bias(case: Case, errors: Errors) -> str:
    if case.target is not None:
        return f"training error {errors.train:.1%} against {case.target.error:.1%} ({case.target.source})"
    return f"training error {errors.train:.1%}; what could be reached is not known (--target-error)"


def _guessing_error(case: Case) -> float:
    """The error of guessing among as many classes as are known, else 1."""
    return 1.0 if case.classes is None else 1 - 1 / case.classes


def _still_falls(case: Case) -> str:
    """Says that the training loss still falls, and so is no sign of a model that is too small; else empty."""
    trend = case.trends.get("loss")
    if trend is None:
        return ""
    tail = trend.tail(0.2)
    if tail.deviations > -SURE.value or -tail.amount < FALLS.value * trend.fall:
        return ""
    return f"the training loss still falls, from {tail.before:.3g} to {tail.after:.3g} in the last fifth"


def see_dropout(case: Case) -> Sign | None:
    """Heavy dropout, and a validation error that is well above the target."""
    run, errors = case.record.run, case.errors
    dropout = case.record.recorded_start.get("dropout") if run is None else run.setting("model.dropout")
    if dropout is None or errors is None or float(dropout) < DROPOUT.value:
        return None
    target = case.target.error if case.target is not None else 0.0
    if errors.val_interval[0] - target < 0.02:
        return None
    text = f"dropout is {float(dropout):g}; {errors.describe()}"
    return Sign("warning", "medium", (text,), () if run is None else ("model.dropout=0.2",), "accuracy")


RULES = (
    Rule(
        name="overfitting",
        finds="Training goes on to improve what validation does not confirm.",
        needs=("a trend of the validation loss, or accuracies",),
        thresholds=(RISE, OF_LEVEL, NEAR, ALONG, GAP, SEEN_GAP, SURE),
        causes="a validation split unlike the training data, label errors, too little data",
        remedy=(
            "more data, more regularisation, a smaller model, or the weights of the epoch with the "
            "lowest loss"
        ),
        look=see_overfitting,
        importance=100,
        explained_by=(
            "accuracy at chance",
            "too few images",
            "too few classes",
            "label errors",
            "class imbalance",
        ),
    ),
    Rule(
        name="underfitting",
        finds="The training examples themselves are not learnt.",
        needs=("training and validation accuracy",),
        thresholds=(BIAS, UNKNOWN_BIAS, FALLS, SURE),
        causes="label errors, a learning rate that is out of range, too few epochs, too much regularisation",
        remedy="a larger model: more layers that are trained, or wider ones",
        look=see_underfitting,
        importance=90,
        explained_by=(
            UNTRAINED,
            "accuracy at chance",
            "dropout too high",
            "label errors",
            "embedding collapsed",
        ),
    ),
    Rule(
        name="trained too briefly",
        finds="The training examples are not learnt, after a handful of optimiser steps.",
        needs=("training and validation accuracy",),
        thresholds=(FEW_STEPS, BIAS, UNKNOWN_BIAS),
        causes="a learning rate that is out of range, a model that is too small",
        remedy="more optimiser steps: more epochs, or smaller batches",
        look=see_brevity,
        importance=95,
        explained_by=(
            UNTRAINED,
            "accuracy at chance",
            "dropout too high",
        ),
    ),
    Rule(
        name="dropout too high",
        finds="So much is dropped that the training examples are not learnt.",
        needs=("training and validation accuracy", "a classification"),
        thresholds=(DROPOUT,),
        causes="a model that is too small, too few epochs",
        remedy="less dropout",
        look=see_dropout,
        importance=120,
    ),
)
