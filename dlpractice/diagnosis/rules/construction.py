"""Rules about how a net is built, as diagnostics.json says of one that is trained with `Diagnose`."""

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.guessing import see_guessing
from dlpractice.diagnosis.rule import RECORDED, Rule, Threshold

OUTWEIGHS = Threshold(
    "what a net adds to its loss, such as weight decay, over the loss itself at the start",
    3.0,
    "chosen: a decay of 1e-4 adds about as much as the loss in large nets",
)


def see_activations(case: Case) -> Sign | None:
    """Layers without any activation between them, or a softmax before layers that weigh or take a softmax."""
    start = case.record.recorded_start
    after, linear = start.get("after_softmax"), start.get("linear_layers")
    if after:
        text = f"a softmax, which gives shares that add up to 1, stands before {', '.join(after)}"
        return Sign("warning", "high", (text,))
    if linear is None or linear < 2:
        return None
    text = f"none of {linear} layers has an activation but the last: together they are no more than one"
    return Sign("warning", "high", (text,))


def see_likeness(case: Case) -> Sign | None:
    """Weights that start as one number in most layers: their units get the same gradient and stay alike."""
    start = case.record.recorded_start
    even, kernels = start.get("even_kernels", 0), start.get("kernels", 0)
    if even < 2 or 2 * even <= kernels:
        return None
    text = f"in {even} of {kernels} layers all weights start as one number, so that all units learn the same"
    return Sign("error", "high", (text,))


def see_penalty(case: Case) -> Sign | None:
    """A penalty on the weights that is far above the loss, in a net that answers as if it guessed."""
    start = case.record.recorded_start
    loss, penalty = start.get("loss"), start.get("penalty") or 0.0
    if loss is None or penalty <= OUTWEIGHS.value * abs(loss - penalty) or see_guessing(case) is None:
        return None
    text = f"before the first step {penalty:.3g} of the loss, {loss:.3g}, are a penalty such as weight decay"
    return Sign("warning", "high", (text,))


RULES = (
    Rule(
        name="activations out of place",
        finds="No activation stands between layers, or a softmax stands where it takes away what was learnt.",
        needs=(RECORDED,),
        causes="a low rank that is meant, a choice between experts",
        remedy="a ReLU or the like after each hidden layer, a softmax at the end alone",
        look=see_activations,
        importance=308,
        stops_training=True,
    ),
    Rule(
        name="units alike",
        finds="Weights start as one number, so that all units of a layer learn the same.",
        needs=(RECORDED,),
        causes="a net that goes on from weights that were set by hand",
        remedy="a random start, such as Keras's default",
        look=see_likeness,
        importance=325,
        stops_training=True,
    ),
    Rule(
        name="penalty too large",
        finds="A penalty on the weights, such as weight decay, outweighs the loss: nothing else is lowered.",
        needs=(RECORDED,),
        thresholds=(OUTWEIGHS,),
        causes="weights that start too large",
        remedy="a penalty of a hundredth, or none",
        look=see_penalty,
        importance=297,
        stops_training=True,
    ),
)
