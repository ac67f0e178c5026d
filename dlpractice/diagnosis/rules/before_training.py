"""Rules about what diagnostics.json says of the net before its first step."""

import math

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
SCALE = Threshold("spread of the inputs of the first trained layer", 20.0, "chosen; 0..255 has about 74")


def see_output(case: Case) -> Sign | None:
    """A last layer whose activation the loss does not expect."""
    output = case.record.recorded_start.get("output")
    if not output or output.get("activation") in (None, "linear"):
        return None
    text = f"the last layer ends in {output['activation']}, and the loss takes logits"
    return Sign("error", "high", (text,))


def see_inputs(case: Case) -> Sign | None:
    """Inputs of the first trained layer that are not scaled."""
    inputs = case.record.recorded_start.get("inputs")
    if not inputs or inputs["std"] is None or inputs["std"] < SCALE.value:
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
        finds="The loss takes logits, and the last layer gives something else.",
        needs=(RECORDED,),
        thresholds=(),
        causes="a model from elsewhere that ends in a softmax",
        remedy="a linear last layer",
        look=see_output,
        importance=310,
        stops_training=True,
    ),
    Rule(
        name="inputs unscaled",
        finds="The first trained layer sees values far from unit spread.",
        needs=(RECORDED,),
        thresholds=(SCALE,),
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
