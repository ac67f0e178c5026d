"""Rules about losses that do not fit what is to be learnt, though Keras takes them."""

import math

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rule import RECORDED, Rule, Threshold

NOT_LEARNT = Threshold(
    "loss in the end, share of that of the best constant answer", 0.5, "chosen: half is not learnt"
)
HALF_LEARNT = Threshold("the same, where the targets are far from 0", 0.1, "chosen: a tenth is not learnt")
FAR = Threshold("mean or spread of the targets", 20.0, "as for inputs")
_SQUARED = ("mean_squared_error",)
_OF_NUMBERS = (*_SQUARED, "mean_absolute_error", "huber", "log_cosh")
"""Of Keras's losses for numbers, those that are small where a number is near."""
_OF_ANY_NUMBER = (None, "linear", "relu", "elu", "selu", "gelu", "softplus", "leaky_relu", "silu", "swish")
_OF_CLASSES = ("softmax", "sigmoid", "hard_sigmoid")


def see_loss_of_numbers(case: Case) -> Sign | None:
    """Classes that are learnt by a loss for numbers, and are not learnt.

    Squared errors of probabilities have small gradients where an answer is surely wrong, and none at the flat
    ends of a sigmoid (Golik, Doetsch and Ney 2013). Where they learn they are no fault.
    """
    start = case.record.recorded_start
    targets, output = start.get("targets") or {}, start.get("output") or {}
    classes = targets.get("whole") and (targets["low"], targets["high"]) == (0, 1)
    chosen = output.get("activation") in _OF_CLASSES or targets.get("sums") == [1, 1]
    left = measure_rest(case)
    if start.get("loss_name") not in _OF_NUMBERS or not classes or not chosen or left is None:
        return None
    if left < NOT_LEARNT.value:
        return None
    text = (
        f"the targets are classes, 0 or 1, and the loss is {start['loss_name']}, which is for numbers; "
        f"{_describe_rest(left)}"
    )
    return Sign("warning", "medium", (text,))


def see_far_targets(case: Case) -> Sign | None:
    """Numbers far from 0 that are not learnt well: a net starts with answers around 0."""
    start = case.record.recorded_start
    targets, output = start.get("targets") or {}, start.get("output") or {}
    left = measure_rest(case)
    if left is None or left < HALF_LEARNT.value or output.get("activation") not in _OF_ANY_NUMBER:
        return None
    if max(abs(targets["mean"]), targets["std"]) < FAR.value:
        return None
    text = (
        f"the targets have the mean {targets['mean']:.3g} and the standard deviation {targets['std']:.3g}; "
        f"{_describe_rest(left)}"
    )
    return Sign("warning", "medium", (text,))


def measure_rest(case: Case) -> float | None:
    """What is left of the loss in the end, over that of answering with the mean of the first batch's targets.

    Infinite where the loss is no number; None where the loss is not one of numbers, or the targets vary too
    little.
    """
    start, curve = case.record.recorded_start, case.record.curve("loss")
    targets, name = start.get("targets"), start.get("loss_name")
    if curve is None or not targets or not targets["std"] or name not in _OF_NUMBERS:
        return None
    left = curve.values[-1] / (targets["std"] ** 2 if name in _SQUARED else targets["std"])
    return left if math.isfinite(left) else math.inf


def _describe_rest(left: float) -> str:
    if math.isinf(left):
        return "the loss is no number"
    return f"the loss ends at {left:.0%} of that of one answer to all"


RULES = (
    Rule(
        name="loss does not fit the task",
        finds="Classes are learnt by a loss that is for numbers, and are not learnt.",
        needs=(RECORDED, "training loss"),
        thresholds=(NOT_LEARNT,),
        causes="a learning rate that is out of range, too few steps",
        remedy=(
            "a crossentropy: binary after a sigmoid, categorical after a softmax, and that last layer where "
            "there is none"
        ),
        look=see_loss_of_numbers,
        importance=303,
    ),
    Rule(
        name="targets unscaled",
        finds="Numbers far from 0 are to be predicted, and most of the training goes into getting there.",
        needs=(RECORDED, "training loss"),
        thresholds=(FAR, HALF_LEARNT),
        causes="noise in the targets, too few epochs",
        remedy="standardised targets: subtract their mean, and divide by their standard deviation",
        look=see_far_targets,
        importance=302,
    ),
)
