"""Guessing seen from the curves of a log alone, which says nothing of classes and labels.

Who guesses among K classes pays ln K (Karpathy, "A recipe for training neural networks", 2019) and is right
once in K times. Who always answers the same is right as often as that answer is.
"""

import math

import numpy as np

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves.trends import Trend
from dlpractice.diagnosis.finding import Confidence, Sign
from dlpractice.diagnosis.record import CURVES
from dlpractice.diagnosis.rule import Threshold

CHANCE = Threshold("share of the way from guessing to certainty", 0.1, "chosen")
NEAR = Threshold("distance of a loss from ln K, share of it, where an accuracy is 1/K", 0.05, "chosen")
NEAR_ALONE = Threshold(
    "the same without accuracies, for K up to 10, 100 or 1000",
    0.005,
    "ln 9 and ln 10 are 4.7 % apart: one flat loss in five is so near to one of them by chance",
)
FLAT = Threshold("range of a loss that stays where it is, share of its level", 0.02, "chosen")
_USUAL = (*range(2, 11), 100, 1000)


def see_guessing(case: Case) -> Sign | None:
    """Curves that end where guessing is, or never move; those of validation where there are some."""
    name = "val_" if "val_loss" in case.trends or "val_accuracy" in case.trends else ""
    loss, accuracy = case.trends.get(f"{name}loss"), case.trends.get(f"{name}accuracy")
    if accuracy is not None and not case.is_regression:
        evidence = _compare_both(case, loss, accuracy, f"{name}loss") or _see_same_answer(
            case, accuracy, name
        )
    else:
        evidence = _compare_loss(case, loss, f"{name}loss")
    if not evidence:
        return None
    sure: Confidence = "high" if accuracy is not None or case.classes is not None else "medium"
    learnt = [_describe_training(case)] if name and "loss" in case.trends else []
    return Sign(
        "error", sure, (*evidence, *learnt), (), f"{name}accuracy" if accuracy is not None else f"{name}loss"
    )


def list_guessing_costs(case: Case) -> list[float]:
    """ln K for the number of classes that is known, or else for usual ones."""
    return [math.log(classes) for classes in ((case.classes,) if case.classes is not None else _USUAL)]


def starts_at_guessing(case: Case, near: float) -> bool:
    """Whether the training loss starts at what guessing costs, but for a share `near` of it, and so can fall
    to 0; that of a run of `dlp` always can."""
    trend = case.trends.get("loss")
    if case.record.run is not None or trend is None:
        return case.record.run is not None
    return any(abs(trend.start - guess) <= near * guess for guess in list_guessing_costs(case))


def find_guessing_cost(case: Case) -> float | None:
    """What guessing costs where the curves show it, ln K in nats: training ends at that loss, with 1/K
    right."""
    loss, accuracy = case.trends.get("loss"), case.trends.get("accuracy")
    if case.record.run is not None or loss is None or accuracy is None:
        return None
    classes = _count_classes(case, loss, accuracy)
    return None if classes is None else math.log(classes)


def _count_classes(case: Case, loss: Trend | None, accuracy: Trend) -> int | None:
    """K where the accuracy is about 1/K and the loss about ln K, or where the user has told of K classes;
    None where the curves are not those of guessing."""
    classes = case.classes
    if classes is None:
        cost = 0.0 if loss is None else loss.level[0]
        if not math.log(1.5) < cost < math.log(1e6):
            return None
        classes = round(math.exp(cost))
        if abs(cost - math.log(classes)) > NEAR.value * cost:
            return None
    guess = 1 / classes
    return classes if guess / 2 < accuracy.level[0] < guess + CHANCE.value * (1 - guess) else None


def _compare_both(case: Case, loss: Trend | None, accuracy: Trend, name: str) -> list[str]:
    """An accuracy of about 1/K beside a loss of about ln K, or K classes that the user has told of."""
    classes = _count_classes(case, loss, accuracy)
    if classes is None:
        return []
    text = (
        f"{CURVES[name.replace('loss', 'accuracy')]} {accuracy.level[0]:.1%}; guessing among "
        f"{classes} classes"
    )
    texts = [f"{text} gives {1 / classes:.1%}"]
    if loss is not None:
        texts.append(
            f"{CURVES[name]} {loss.level[0]:.4g}; guessing costs ln {classes} = {math.log(classes):.4g}"
        )
    return texts


def _compare_loss(case: Case, loss: Trend | None, name: str) -> list[str]:
    """A loss that stays at ln K from the first value to the last."""
    if loss is None:
        return []
    cost = loss.level[0]
    if float(np.ptp(loss.smooth)) > FLAT.value * abs(cost):
        return []
    near = FLAT if case.classes is not None else NEAR_ALONE
    for guess in list_guessing_costs(case):
        if abs(cost - guess) <= near.value * guess:
            moved, classes = float(np.ptp(loss.smooth)) / guess, round(math.exp(guess))
            return [
                f"the {CURVES[name]} stays at {cost:.4g}, within {moved:.1%}; guessing among {classes} "
                f"classes "
                f"costs ln {classes} = {guess:.4g}"
            ]
    return []


def _see_same_answer(case: Case, accuracy: Trend, name: str) -> list[str]:
    """A validation accuracy that is the same after every epoch, under a training loss that does not fall."""
    loss, train = case.trends.get("loss"), case.trends.get("accuracy")
    still = float(np.ptp(accuracy.raw)) < 1e-6 and accuracy.end < 1
    if not still or not name or loss is None or train is None:
        return []
    if loss.fall > max(FLAT.value * abs(loss.start), 3 * loss.noise) or float(np.ptp(train.raw)) > FLAT.value:
        return []
    return [
        f"the validation accuracy is {accuracy.end:.1%} after each of {len(accuracy.raw)} {case.clock}s "
        f"and the "
        f"training accuracy about {train.end:.1%}, while the loss does not fall: as if one answer was "
        f"always given"
    ]


def _describe_training(case: Case) -> str:
    trend = case.trends["loss"]
    fell = trend.fall > max(3 * trend.noise, FLAT.value * abs(trend.start))
    moved = f"the training loss went from {trend.start:.3g} to {trend.end:.3g}: "
    return moved + ("learnt by heart" if fell else "nothing was learnt there either")
