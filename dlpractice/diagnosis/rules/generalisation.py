"""Rules about bias and variance: the lecture's advice, made exact.

High training error, underfitting: a larger model. Low training and high validation error, overfitting: more
regularisation, more data, heavier augmentation. Both low: done (Dudar 2018; bias and variance as in Ng,
Machine Learning Yearning, 2018).
"""

import math
from collections import Counter

import numpy as np

from dlpractice.diagnosis.case import Case, Errors
from dlpractice.diagnosis.curves.trends import Change, Trend
from dlpractice.diagnosis.finding import Confidence, Sign
from dlpractice.diagnosis.remedies import enlarge, regularise
from dlpractice.diagnosis.rules.embeddings import PAIRS_AT_CHANCE, see_pairs_at_chance
from dlpractice.diagnosis.rules.optimisation import SURE
from dlpractice.diagnosis.rules.rule import Rule, Threshold
from dlpractice.statistics.intervals import Z99, difference

_SURE = Threshold("standard errors of a change", SURE, "one-sided chance of 0.1 %")
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
CHANCE = Threshold("share of the way from guessing to certainty", 0.1, "chosen")
LEAST_LEAK = Threshold("points by which validation is above training", 0.02, "chosen; with a 99 % interval")
LATE = Threshold("scatter of late validation losses over that before", 3.0, "chosen")
DROPOUT = Threshold("dropout", 0.7, "0.5 is the usual most (Srivastava et al. 2014)")


def rising_loss(case: Case) -> Change | None:
    """The validation loss's rise from its lowest place to the end, where noise does not explain it and the
    training loss did not rise along."""
    trend = case.trends.get("val_loss")
    if trend is None:
        return None
    fall, train = trend.start - float(trend.smooth.min()), case.trends.get("loss")
    seen = [
        rise
        for rise in (trend.rise(), *trend.averaged_rises())
        if rise.deviations > SURE and rise.relative > RISE.value and rise.amount > OF_FALL.value * fall
    ]
    return next((rise for rise in seen if not _rises_along(train, rise)), None)


def _rises_along(train: Trend | None, rise: Change) -> bool:
    """Whether the training loss rose as well, by half as much or more: then it is no matter of fitting."""
    return train is not None and train.end - train.at(rise.since) > 0.5 * rise.amount


def see_overfitting(case: Case) -> Sign | None:
    """A rising validation loss, or a gap between the errors beyond its noise; a small gap is a remark."""
    rise, errors = rising_loss(case), case.errors
    evidence = []
    wide = errors is not None and errors.gap_interval[0] > GAP.value and not _is_bias_larger(case, errors)
    if errors is not None and (wide or is_gap_seen(case)):
        evidence.append(describe_errors(errors))
    if rise is not None:
        evidence.append(
            f"the validation loss rose by {rise.relative:.0%}, from {rise.before:.3g} at epoch "
            f"{rise.since:g} to {rise.after:.3g} at epoch {rise.until:g}; the training loss did not"
        )
    if not evidence:
        return None
    harmless = not wide and errors is not None and (rise is None or _accuracy_holds(case))
    sure = (wide and rise is not None) or (rise is not None and rise.deviations > 2 * SURE)
    return Sign(
        "info" if harmless else "warning",
        "high" if sure else "medium",
        tuple(evidence),
        regularise(case.record.run),
        "val_loss",
    )


def is_gap_seen(case: Case) -> bool:
    """Whether the gap is beyond its noise and the larger part of what lies above the target."""
    errors = case.errors
    if errors is None or errors.gap_interval[0] <= 0 or errors.gap < SEEN_GAP.value:
        return False
    target = case.target.error if case.target is not None else 0.0
    return errors.val_interval[0] > target and not _is_bias_larger(case, errors)


def _is_bias_larger(case: Case, errors: Errors) -> bool:
    target = case.target.error if case.target is not None else 0.0
    return errors.train - target > errors.gap


def _accuracy_holds(case: Case) -> bool:
    """Whether the validation accuracy ends at its best, give or take its noise: then a rising loss means
    that the wrong answers are given with more confidence, and no more of them."""
    trend = case.trends.get("val_accuracy")
    if trend is None:
        return False
    drop = float(trend.smooth.max()) - trend.end
    return drop < max(
        0.01, SURE * math.hypot(float(trend.errors[-1]), float(trend.errors[trend.smooth.argmax()]))
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
    evidence.append(describe_errors(errors))
    confidence: Confidence = "high" if case.target is not None and errors.counted else "medium"
    return Sign("warning", confidence, tuple(evidence), enlarge(case.record.run), "accuracy")


def see_dropout(case: Case) -> Sign | None:
    """Heavy dropout, and a training error that is high without it being in the way of measuring."""
    dropout = case.run.setting("model.dropout")
    errors = case.errors
    if dropout is None or errors is None or float(dropout) < DROPOUT.value:
        return None
    target = case.target.error if case.target is not None else 0.0
    if errors.val_interval[0] - target < 0.02:
        return None
    text = f"dropout is {float(dropout):g}; {describe_errors(errors)}"
    return Sign("warning", "medium", (text,), ("model.dropout=0.2",), "accuracy")


def see_chance(case: Case) -> Sign | None:
    """A validation accuracy that is no better than always answering the most frequent class; in one-shot
    runs, pairs that are not told apart."""
    if case.run.command == "oneshot":
        return see_pairs_at_chance(case)
    errors, labels = case.errors, Counter(case.run.labels("validation"))
    if errors is None or not labels:
        return None
    guess = max(labels.values()) / labels.total()
    bound = guess + CHANCE.value * (1 - guess)
    if 1 - errors.val_interval[0] > bound or 1 - errors.val > guess + 0.05:
        return None
    text = f"validation accuracy {1 - errors.val:.1%}; always answering the commonest class gives {guess:.1%}"
    learnt = 1 - errors.train_interval[1] > bound
    about = f"training accuracy {1 - errors.train:.1%}"
    evidence = (text, about + (": learnt by heart" if learnt else ": nothing was learnt there either"))
    return Sign("error", "high", evidence, (), "val_accuracy")


def see_validation_above_training(case: Case) -> Sign | None:
    """A validation accuracy above the training accuracy by more than noise."""
    errors, sizes = case.errors, case.sizes
    assert errors is not None
    if sizes is None:
        high = errors.gap_interval[1]
    else:
        n_train, n_val = sizes
        high = difference(errors.val, n_val, errors.train, n_train, Z99)[1]
    if high > 0 or errors.gap > -LEAST_LEAK.value:
        return None
    if case.record.run is not None and case.run.command == "oneshot":
        return None  # training and validation alphabets differ in how alike their characters are
    alike = case.record.measures_alike
    evidence = [describe_errors(errors)]
    if not alike:
        evidence.append(
            "most libraries measure training with dropout and augmentation, and validation without"
        )
    return Sign("warning" if alike else "info", "medium", tuple(evidence), (), "val_accuracy")


def see_late_variance(case: Case) -> Sign | None:
    """Validation losses that scatter more and more, while the training loss does not."""
    trend = case.trends["val_loss"]
    if len(trend.raw) < 15:
        return None
    off = np.abs(trend.raw - trend.smooth)
    third = len(off) // 3
    before, late = float(np.median(off[third : 2 * third])), float(np.median(off[-third:]))
    floor = 0.01 * float(np.median(trend.raw))
    if late < LATE.value * max(before, floor):
        return None
    text = f"typically {late:.2g} off the trend in the last third, {before:.2g} in the third before"
    return Sign("info", "medium", (text,), (), "val_loss")


def describe_errors(errors: Errors) -> str:
    """Both errors and their difference, with its interval."""
    low, high = errors.gap_interval
    where = "95 % interval" if errors.counted else "by the scatter of the curves"
    kept = f" of the stage {errors.stage}, whose weights were kept" if errors.stage else ""
    return (
        f"training error {errors.train:.1%}, validation error {errors.val:.1%} "
        f"at epoch {errors.epoch:g}{kept}: {100 * errors.gap:+.1f} points "
        f"({where} {100 * low:+.1f} to {100 * high:+.1f})"
    )


AT_CHANCE = Rule(
    "accuracy at chance",
    "The model is no better than guessing: than the commonest answer, or than a coin that judges pairs.",
    ("training and validation accuracy", "splits.csv"),
    (CHANCE, PAIRS_AT_CHANCE),
    "labels that do not belong to their images, a learning rate out of range, unscaled inputs, a dead net",
    "check the labels against the images, then the learning rate and the preprocessing",
    see_chance,
)
DROPOUT_TOO_HIGH = Rule(
    "dropout too high",
    "So much is dropped that the training examples are not learnt.",
    ("training and validation accuracy", "a classification run"),
    (DROPOUT,),
    "a model that is too small, too few epochs",
    "less dropout",
    see_dropout,
)
OVERFITTING = Rule(
    "overfitting",
    "Training goes on to improve what validation does not confirm.",
    ("a trend of the validation loss, or accuracies",),
    (RISE, OF_FALL, GAP, SEEN_GAP, _SURE),
    "a validation split unlike the training data, label errors, too little data",
    "more regularisation, more data, or heavier augmentation; for few images a frozen base",
    see_overfitting,
)
UNDERFITTING = Rule(
    "underfitting",
    "The training examples themselves are not learnt.",
    ("training and validation accuracy",),
    (BIAS, UNKNOWN_BIAS),
    "label errors, a learning rate that is out of range, too few epochs, too much regularisation",
    "a larger model: more layers that are trained, or wider ones",
    see_underfitting,
)
VALIDATION_ABOVE = Rule(
    "validation above training",
    "Validation comes out better than training by more than noise.",
    ("training and validation accuracy",),
    (LEAST_LEAK,),
    "training metrics measured with dropout or augmentation, an easier validation split, class weights",
    "look for training images among the validation images; measure both alike",
    see_validation_above_training,
)
LATE_VARIANCE = Rule(
    "late variance",
    "Late in training the validation loss scatters more and more.",
    ("a trend of the validation loss",),
    (LATE,),
    "a learning rate that does not fall, growing confidence in wrong answers",
    "a schedule that falls to zero, or weights averaged over epochs",
    see_late_variance,
)
