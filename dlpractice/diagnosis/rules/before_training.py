"""Rules about what diagnostics.json says of the net before its first step."""

import math
from collections.abc import Mapping
from typing import Any

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rule import RECORDED, UNTRAINED, Rule, Threshold

FIRST_LOSS = Threshold(
    "first loss above ln K, nats",
    4.0,
    "ln K is what guessing costs (Karpathy); fresh heads were measured up to 1.4 above it",
)
KNOWN = Threshold("first loss over ln K, lowest", 0.5, "chosen")
LEARNT = Threshold("fall of the loss on one batch", 0.5, "chosen; it should go to zero (Karpathy)")
_OF_NUMBERS = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
"""Keras's losses for numbers."""
_OF_CLASSES = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)
_EACH_ALONE = ("sigmoid", "hard_sigmoid")
_PROBABILITIES = ("softmax", *_EACH_ALONE)
_REACH = {
    **dict.fromkeys(_PROBABILITIES, (0.0, 1.0)),
    "tanh": (-1.0, 1.0),
    **dict.fromkeys(("relu", "softplus"), (0.0, math.inf)),
    "relu6": (0.0, 6.0),
}
"""What activations can give. Others can give anything, or nearly so."""
TINY = Threshold("largest input of that layer", 0.02, "chosen; pixels over 255 twice have 0.004")
SCALE = Threshold("spread of the inputs of the first trained layer", 20.0, "chosen; 0..255 has about 74")


def see_output(case: Case) -> Sign | None:
    """A last layer whose activation the loss does not expect.

    The losses of `dlp` take logits; of a training of others it was recorded what its loss takes.
    """
    start = case.record.recorded_start
    output, takes = start.get("output") or {}, start.get("loss_takes", "logits")
    activation = output.get("activation")
    end = f"the last layer ends in {activation}"
    if output.get("units") == 1 and activation == "softmax":
        text = f"{end} over a single unit, which gives 1 whatever it sees"
    elif takes == "logits" and activation not in (None, "linear"):
        text = f"{end}, and the loss takes logits"
    elif takes == "probabilities" and activation not in (None, *_PROBABILITIES):
        text = f"{end}, and the loss takes probabilities"
    elif activation in _EACH_ALONE and "categorical" in start.get("loss_name", "") and output["units"] > 1:
        text = (
            f"{end}, each of {output['units']} units by itself, and {start['loss_name']} takes probabilities "
            "that add up to 1"
        )
        return Sign("warning", "high", (text,))
    elif takes == "probabilities" and _leaves(output, (0.0, 1.0)):
        text = (
            f"the net gives values from {output['low']:.3g} to {output['high']:.3g}, and the loss takes "
            "probabilities"
        )
    else:
        return None
    return Sign("error", "high", (text,))


def see_targets(case: Case) -> Sign | None:
    """Targets that the loss does not take, or that the last layer cannot give."""
    start = case.record.recorded_start
    targets, activation = start.get("targets"), (start.get("output") or {}).get("activation")
    if not targets or start.get("loss_name") not in (*_OF_NUMBERS, *_OF_CLASSES):
        return None  # a loss of somebody's own takes what it likes
    seen = f"the targets of the first batch go from {targets['low']:.4g} to {targets['high']:.4g}"
    if activation == "softmax" and _add_up_otherwise(targets):
        low, high = targets["sums"]
        text = f"a softmax gives shares that add up to 1; an example's targets add up to {low:g} to {high:g}"
        return Sign("error", "high", (text,))
    if str(start.get("loss_name")).startswith("sparse") and targets.get("whole") is False:
        text = f"{seen}, and are no whole numbers; {start['loss_name']} takes the numbers of classes"
        return Sign("error", "high", (text,))
    if targets.get("takes") is not None:
        low, high = targets["takes"]
        if not _leaves(targets, (low, high)):
            return None
        return Sign("error", "high", (f"{seen}; {start['loss_name']} takes {low} to {high}",))
    low, high = _REACH.get(str(activation), (-math.inf, math.inf))
    if not _leaves(targets, (low, high)):
        return None
    text = f"{seen}; the last layer ends in {activation}, which gives {low:g} to {high:g}"
    return Sign("error", "high", (text,))


def _add_up_otherwise(targets: Mapping[str, Any]) -> bool:
    low, high = targets.get("sums") or (1.0, 1.0)
    return bool(low < 1 - 1e-3 or high > 1 + 1e-3)


def _leaves(values: Mapping[str, Any], bounds: tuple[float, float]) -> bool:
    """Whether some values that were described lie outside of what is possible, by more than rounding."""
    low, high = values.get("low"), values.get("high")
    return low is not None and high is not None and (low < bounds[0] - 1e-3 or high > bounds[1] + 1e-3)


def see_inputs(case: Case) -> Sign | None:
    """Inputs of the first trained layer that are not scaled."""
    inputs = case.record.recorded_start.get("inputs")
    if not inputs or inputs["std"] is None:
        return None
    tiny = 0 < max(abs(inputs["low"]), abs(inputs["high"])) < TINY.value
    if inputs["std"] < SCALE.value and not tiny:
        return None
    text = (
        f"the first trained layer sees values from {inputs['low']:.3g} to {inputs['high']:.3g}, "
        f"mean {inputs['mean']:.3g}, standard deviation {inputs['std']:.3g}"
    )
    return Sign("warning", "high", (text,))


def see_first_loss(case: Case) -> Sign | None:
    """A first loss far from ln K."""
    loss, classes = case.record.recorded_start.get("loss"), case.record.recorded_start.get("classes")
    if loss is None or not classes:
        return None
    expected = math.log(classes)
    if KNOWN.value * expected <= loss <= expected + FIRST_LOSS.value:
        return None
    text = (
        f"the first loss is {loss:.3g}; guessing among {classes} classes costs ln {classes} = {expected:.3g}"
    )
    return Sign("warning", "medium", (text,))


def see_one_batch(case: Case) -> Sign | None:
    """A single batch that cannot be learnt."""
    batch = case.record.recorded_start.get("one_batch")
    if not batch or batch["before"] is None:
        return None
    before, after, floor = batch["before"], batch["after"], batch.get("floor") or 0.0
    if after is not None and after - floor < (1 - LEARNT.value) * (before - floor):
        return None
    reached = "not a number" if after is None else f"{after:.3g}"
    text = f"{batch['steps']} steps on one batch: loss {before:.3g} before, {reached} after"
    return Sign("warning", "high", (text,))


RULES = (
    Rule(
        name="last layer and loss do not match",
        finds="The loss takes logits and the last layer gives something else, or it takes probabilities.",
        needs=(RECORDED,),
        thresholds=(),
        causes="a model from elsewhere that ends in a softmax, a loss for another last layer",
        remedy="a linear last layer where the loss takes logits, else a softmax or sigmoid",
        look=see_output,
        importance=310,
        stops_training=True,
    ),
    Rule(
        name="targets out of reach",
        finds="The last layer can never give the targets, or the loss does not take them.",
        needs=(RECORDED,),
        causes="labels that are counted from 1, targets that are not scaled, a loss for another task",
        remedy="labels from 0, or a last layer and a loss that fit the targets: linear for any number",
        look=see_targets,
        importance=305,
        stops_training=True,
    ),
    Rule(
        name="inputs unscaled",
        finds="The first trained layer sees values far from unit spread.",
        needs=(RECORDED,),
        thresholds=(SCALE, TINY),
        causes="features of a frozen base without standardisation, a preprocessing that is left out",
        remedy="the preprocessing that belongs to the net, or standardised features",
        look=see_inputs,
        importance=300,
        stops_training=True,
    ),
    Rule(
        name="first loss out of range",
        finds="Before the first step the loss is far from what guessing costs.",
        needs=(RECORDED, "a classification"),
        thresholds=(FIRST_LOSS, KNOWN),
        causes="a head with large weights, unscaled features, weights that already know the task",
        remedy="a smaller initial head, or standardised features",
        look=see_first_loss,
        importance=250,
        explained_by=(
            "last layer and loss do not match",
            "inputs unscaled",
        ),
    ),
    Rule(
        name="one batch is not learnt",
        finds="Steps on a single batch, again and again, hardly lower its loss.",
        needs=(RECORDED,),
        thresholds=(LEARNT,),
        causes="a learning rate that is out of range, frozen layers, a loss that does not fit the last layer",
        remedy="find the fault before anything else: neither data nor capacity can be",
        look=see_one_batch,
        importance=240,
        explained_by=(
            UNTRAINED,
            "dropout too high",
        ),
    ),
)
