"""Rules about what validation says: no better than guessing, better than training, or ever more noise."""

from collections import Counter

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.guessing import CHANCE, FLAT, NEAR, NEAR_ALONE, see_guessing
from dlpractice.diagnosis.rule import UNTRAINED, Rule, Threshold
from dlpractice.diagnosis.rules.one_shot import PAIRS_AT_CHANCE, see_pairs_at_chance
from dlpractice.statistics.differences import unpaired_interval
from dlpractice.statistics.quantiles import Z99

LEAST_LEAK = Threshold("points by which validation is above training", 0.02, "chosen; with a 99 % interval")
LATE = Threshold("scatter of late validation losses over that before", 3.0, "chosen")


def see_chance(case: Case) -> Sign | None:
    """A validation accuracy that is no better than always answering the most frequent class; in one-shot
    runs, pairs that are not told apart; in a log, curves that stay where guessing is."""
    if case.record.run is None:
        return see_guessing(case)
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
    errors, trials = case.errors, case.trials
    assert errors is not None
    if trials is None:
        high = errors.gap_interval[1]
    else:
        n_train, n_val = trials
        high = unpaired_interval(errors.val, n_val, errors.train, n_train, Z99)[1]
    if high > 0 or errors.gap > -LEAST_LEAK.value:
        return None
    if case.record.run is not None and case.run.command == "oneshot":
        return None  # training and validation alphabets differ in how alike their characters are
    alike = case.record.measures_alike
    evidence = [errors.describe()]
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
    floor = 0.01 * trend.fall
    if late < LATE.value * max(before, floor):
        return None
    text = f"typically {late:.2g} off the trend in the last third, {before:.2g} in the third before"
    return Sign("info", "medium", (text,), (), "val_loss")


RULES = (
    Rule(
        name="accuracy at chance",
        finds=(
            "The model is no better than guessing: than the commonest answer, or than a coin that "
            "judges pairs."
        ),
        needs=("training loss",),
        thresholds=(CHANCE, PAIRS_AT_CHANCE, NEAR, NEAR_ALONE, FLAT),
        causes=(
            "labels that do not belong to their images, a learning rate out of range, unscaled "
            "inputs, a dead net"
        ),
        remedy="check the labels against the images, then the learning rate and the preprocessing",
        look=see_chance,
        importance=200,
        explained_by=(
            UNTRAINED,
            "dropout too high",
            "embedding collapsed",
        ),
    ),
    Rule(
        name="validation above training",
        finds="Validation comes out better than training by more than noise.",
        needs=("training and validation accuracy",),
        thresholds=(LEAST_LEAK,),
        causes=(
            "training metrics measured with dropout or augmentation, an easier validation split, "
            "class weights"
        ),
        remedy="look for training images among the validation images; measure both alike",
        look=see_validation_above_training,
        importance=80,
        explained_by=(
            "dropout too high",
            "class imbalance",
        ),
    ),
    Rule(
        name="late variance",
        finds="Late in training the validation loss scatters more and more.",
        needs=("a trend of the validation loss",),
        thresholds=(LATE,),
        causes="a learning rate that does not fall, growing confidence in wrong answers",
        remedy="a schedule that falls to zero, or weights averaged over epochs",
        look=see_late_variance,
        importance=50,
    ),
)
