"""Rules about bias and variance: the lecture's advice, made exact.

High training error, underfitting: a larger model. Low training and high validation error, overfitting: more
regularisation, more data, heavier augmentation. Both low: done (Dudar 2018; bias and variance as in Ng,
Machine Learning Yearning, 2018).
"""

import math

from dlpractice.diagnosis.case import Case, Errors
from dlpractice.diagnosis.curves.trends import Change, Trend
from dlpractice.diagnosis.finding import Confidence, Sign
from dlpractice.diagnosis.remedies import enlarge, regularise
from dlpractice.diagnosis.rule import SURE, UNTRAINED, Rule, Threshold

RISE = Threshold(
    "rise of the validation loss over its lowest",
    0.05,
    "chosen: about where an eye sees a rise, by which such curves are labelled (Li et al., IEEE Access 2024)",
)
OF_FALL = Threshold("that rise, share of the fall before it", 0.01, "chosen: less cannot be seen in a curve")
GAP = Threshold("lower end of the gap's interval", 0.05, "chosen: five points of accuracy are worth a change")
SEEN_GAP = Threshold("gap for a remark, its interval above 0 and the target missed", 0.02, "chosen")
BIAS = Threshold("lower end of the bias's interval", 0.05, "as for the gap")
UNKNOWN_BIAS = Threshold("training error where no target is known", 0.15, "chosen")
DROPOUT = Threshold("dropout", 0.7, "0.5 is the usual most (Srivastava et al. 2014)")


def see_overfitting(case: Case) -> Sign | None:
    """A rising validation loss, or a gap between the errors beyond its noise; a small gap is a remark."""
    rise, errors = rising_loss(case), case.errors
    evidence = []
    wide = errors is not None and errors.gap_interval[0] > GAP.value and not _is_bias_larger(case, errors)
    if errors is not None and (wide or is_gap_seen(case)):
        evidence.append(errors.describe())
    if rise is not None:
        evidence.append(
            f"the validation loss rose by {rise.relative:.0%}, from {rise.before:.3g} at epoch "
            f"{rise.since:g} to {rise.after:.3g} at epoch {rise.until:g}; the training loss did not"
        )
    if not evidence:
        return None
    harmless = not wide and errors is not None and (rise is None or _accuracy_holds(case))
    sure = (wide and rise is not None) or (rise is not None and rise.deviations > 2 * SURE.value)
    return Sign(
        "info" if harmless else "warning",
        "high" if sure else "medium",
        tuple(evidence),
        regularise(case.record.run),
        "val_loss",
    )


def rising_loss(case: Case) -> Change | None:
    """How the validation loss rose from its lowest place to the end; None where noise explains the rise, or
    where the training loss rose as well."""
    trend = case.trends.get("val_loss")
    if trend is None:
        return None
    fall, train = trend.start - float(trend.smooth.min()), case.trends.get("loss")
    seen = [
        rise
        for rise in (trend.rise(), *trend.averaged_rises())
        if rise.deviations > SURE.value and rise.relative > RISE.value and rise.amount > OF_FALL.value * fall
    ]
    return next((rise for rise in seen if not _rises_along(train, rise)), None)


def _rises_along(train: Trend | None, rise: Change) -> bool:
    """Whether the training loss rose as well, by half as much or more. Overfitting lets it fall."""
    return train is not None and train.end - train.at(rise.since) > 0.5 * rise.amount


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
    """A training error above the target by more than its noise, and above the gap."""
    errors = case.errors
    assert errors is not None
    low = errors.train_interval[0]
    if case.target is not None:
        if low - case.target.error < BIAS.value:
            return None
        evidence = [
            f"training error {errors.train:.1%} against {case.target.error:.1%} ({case.target.source})"
        ]
    elif low > UNKNOWN_BIAS.value:
        evidence = [f"training error {errors.train:.1%}; what could be reached is not known"]
    else:
        return None
    if not _is_bias_larger(case, errors):
        return None
    evidence.append(errors.describe())
    confidence: Confidence = "high" if case.target is not None and errors.counted else "medium"
    return Sign("warning", confidence, tuple(evidence), enlarge(case.record.run), "accuracy")


def see_dropout(case: Case) -> Sign | None:
    """Heavy dropout, and a validation error that is well above the target."""
    dropout = case.run.setting("model.dropout")
    errors = case.errors
    if dropout is None or errors is None or float(dropout) < DROPOUT.value:
        return None
    target = case.target.error if case.target is not None else 0.0
    if errors.val_interval[0] - target < 0.02:
        return None
    text = f"dropout is {float(dropout):g}; {errors.describe()}"
    return Sign("warning", "medium", (text,), ("model.dropout=0.2",), "accuracy")


RULES = (
    Rule(
        name="overfitting",
        finds="Training goes on to improve what validation does not confirm.",
        needs=("a trend of the validation loss, or accuracies",),
        thresholds=(RISE, OF_FALL, GAP, SEEN_GAP, SURE),
        causes="a validation split unlike the training data, label errors, too little data",
        remedy="more regularisation, more data, or heavier augmentation; for few images a frozen base",
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
        thresholds=(BIAS, UNKNOWN_BIAS),
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
        name="dropout too high",
        finds="So much is dropped that the training examples are not learnt.",
        needs=("training and validation accuracy", "a classification run"),
        thresholds=(DROPOUT,),
        causes="a model that is too small, too few epochs",
        remedy="less dropout",
        look=see_dropout,
        importance=120,
    ),
)
