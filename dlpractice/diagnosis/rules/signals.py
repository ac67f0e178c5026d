"""Rules that stand before capacity: what diagnostics.json says of the net at the start and in training."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.remedies import lower_rate, raise_rate
from dlpractice.diagnosis.rules.rule import Rule, Threshold

FIRST_LOSS = Threshold(
    "first loss above ln K, nats",
    4.0,
    "ln K is what guessing costs (Karpathy); fresh heads were measured up to 1.4 above it",
)
KNOWN = Threshold("first loss over ln K, lowest", 0.5, "chosen")
LEARNT = Threshold("fall of the loss on one batch", 0.5, "chosen; it should go to zero (Karpathy)")
SCALE = Threshold("spread of the inputs of the first trained layer", 20.0, "chosen; 0..255 has about 74")
DEAD = Threshold(
    "share of ReLUs that never fire", 0.8, "chosen; VGG16's last block had 0.43 on a batch of healthy digits"
)
SATURATED = Threshold(
    "share of saturated activations",
    0.9,
    "chosen; Koch's net, whose embedding is of sigmoids, had 0.7 early on",
)
VANISHING = Threshold(
    "gradient over weights, a layer's beside the largest",
    1e-4,
    "ten sigmoid layers have 1e-6, healthy nets 4e-3",
)
EXPLODING = Threshold("gradient norm", 1e3, "chosen")
LARGEST_UPDATE = Threshold(
    "update of a step over weight norm, typical, largest", 0.02, "twenty times Karpathy's 1e-3"
)
SMALLEST_UPDATE = Threshold(
    "update of a step over weight norm, typical, smallest", 5e-6, "two hundred times below Karpathy's 1e-3"
)


def _start(case: Case) -> Mapping[str, Any]:
    return (case.run.diagnostics or {}).get("start") or {}


def _layers(case: Case) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Epoch and layer, the last epoch first."""
    for epoch in reversed((case.run.diagnostics or {}).get("epochs") or []):
        for layer in epoch["layers"]:
            yield int(epoch["epoch"]), layer


def see_first_loss(case: Case) -> Sign | None:
    """A first loss far from ln K."""
    loss, classes = _start(case).get("loss"), _start(case).get("classes")
    if loss is None or not classes or case.run.command != "finetune":
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
    batch = _start(case).get("one_batch")
    if not batch or batch["before"] is None:
        return None
    before, after, floor = batch["before"], batch["after"], batch.get("floor") or 0.0
    if after is not None and after - floor < (1 - LEARNT.value) * (before - floor):
        return None
    reached = "not a number" if after is None else f"{after:.3g}"
    text = f"{batch['steps']} steps on one batch: loss {before:.3g} before, {reached} after"
    return Sign("warning", "high", (text,))


def see_inputs(case: Case) -> Sign | None:
    """Inputs of the first trained layer that are not scaled."""
    inputs = _start(case).get("inputs")
    if not inputs or inputs["std"] is None or inputs["std"] < SCALE.value:
        return None
    text = (
        f"the first trained layer sees values from {inputs['low']:.3g} to {inputs['high']:.3g}, "
        f"mean {inputs['mean']:.3g}, standard deviation {inputs['std']:.3g}"
    )
    return Sign("warning", "high", (text,))


def see_output(case: Case) -> Sign | None:
    """A last layer whose activation the loss does not expect."""
    output = _start(case).get("output")
    if not output or output.get("activation") in (None, "linear"):
        return None
    text = f"the last layer ends in {output['activation']}, and the loss takes logits"
    return Sign("error", "high", (text,))


def _see_share(case: Case, key: str, threshold: Threshold, what: str) -> Sign | None:
    found = {
        layer["name"]: (epoch, layer[key])
        for epoch, layer in _layers(case)
        if layer.get(key) is not None and layer[key] > threshold.value
    }
    if not found:
        return None
    name, (epoch, share) = max(found.items(), key=lambda item: item[1][1])
    text = f"{share:.0%} of {name} {what} at epoch {epoch}; {len(found)} such layers"
    return Sign("warning", "high", (text,), lower_rate(case.run, 0.05))


def see_dead(case: Case) -> Sign | None:
    """Layers of which most ReLUs give zero for every example. Where they did so from the start no learning
    rate has killed them, and none revives them."""
    sign = _see_share(case, "dead", DEAD, "never fire")
    if sign is None or not _dead_at_start(case):
        return sign
    return replace(sign, evidence=(*sign.evidence, "it was so before the first step"), overrides=())


def _dead_at_start(case: Case) -> bool:
    return any((layer.get("dead") or 0.0) > DEAD.value for layer in _start(case).get("layers") or [])


def see_saturation(case: Case) -> Sign | None:
    """Layers of which most activations are at the flat ends of their function."""
    return _see_share(case, "saturated", SATURATED, "are saturated")


def see_gradients(case: Case) -> Sign | None:
    """Gradients that vanish or explode."""
    for epoch, layer in _layers(case):
        if not layer["trained"]:
            continue
        norm = layer["gradient_norm"]
        if norm is None or norm > EXPLODING.value:
            size = "is not a number" if norm is None else f"has the norm {norm:.3g}"
            text = f"the gradient of {layer['name']} {size} at epoch {epoch}"
            return Sign("warning", "high", (text,), lower_rate(case.run, 0.05))
    return _see_vanishing(case)


def _see_vanishing(case: Case) -> Sign | None:
    """Beside the largest of the same epoch: at a loss near zero the gradients of all layers are small."""
    for epoch in reversed((case.run.diagnostics or {}).get("epochs") or []):
        shares = {
            layer["name"]: layer["gradient_norm"] / layer["weight_norm"]
            for layer in epoch["layers"]
            if layer["trained"] and layer["gradient_norm"] is not None and layer["weight_norm"]
        }
        if not shares or not (largest := max(shares.values())):
            continue
        name = min(shares, key=lambda name: shares[name])
        if shares[name] < VANISHING.value * largest:
            text = (
                f"the gradient of {name}, over its weights, is {shares[name] / largest:.1g} of the largest "
                f"layer's at epoch {epoch['epoch']}"
            )
            return Sign("warning", "medium", (text,))
    return None


def list_update_ratios(case: Case) -> list[tuple[float, str, int]]:
    """Update ratios with their layers and epochs, without the first: Adam's first step, or one of a warm-up,
    is like no other."""
    return [
        (layer["update_ratio"], layer["name"], epoch)
        for epoch, layer in _layers(case)
        if layer["trained"] and layer["update_ratio"] is not None and epoch > 1
    ]


def see_updates(case: Case) -> Sign | None:
    """Steps that are huge or tiny beside the weights that they change."""
    ratios = sorted(list_update_ratios(case))
    if not ratios:
        return None
    typical, highest = ratios[(len(ratios) - 1) // 2], ratios[-1]
    if typical[0] > LARGEST_UPDATE.value:
        text = (
            f"a step changes layers by {typical[0]:.1g} of their weights on the median, and {highest[1]} by "
            f"{highest[0]:.2g} at epoch {highest[2]}"
        )
        return Sign("warning", "medium", (text,), lower_rate(case.run, 0.05))
    if 0 < typical[0] < SMALLEST_UPDATE.value:
        text = f"a step changes layers by {typical[0]:.1g} of their weights on the median"
        return Sign("info", "medium", (text,), raise_rate(case.run, 1e-5))
    return None


_CLASSIFIES = ("diagnostics.json (training.diagnostics: true)", "a classification run")
_RECORDED = ("diagnostics.json (training.diagnostics: true)",)
SIGNALS = (
    Rule(
        "last layer and loss do not match",
        "The loss takes logits, and the last layer gives something else.",
        _RECORDED,
        (),
        "a model from elsewhere that ends in a softmax",
        "a linear last layer",
        see_output,
    ),
    Rule(
        "inputs unscaled",
        "The first trained layer sees values far from unit spread.",
        _RECORDED,
        (SCALE,),
        "features of a frozen base without standardisation, a preprocessing that is left out",
        "the preprocessing that belongs to the net, or standardised features",
        see_inputs,
    ),
    Rule(
        "dead ReLUs",
        "Most units of a layer give zero for every example, and get no gradient any more.",
        _RECORDED,
        (DEAD,),
        "a learning rate that was too high, biases far below zero, unscaled inputs",
        "a lower learning rate and fresh weights",
        see_dead,
    ),
    Rule(
        "saturated activations",
        "Most activations of a layer stand where their function is flat.",
        _RECORDED,
        (SATURATED,),
        "initial weights that are too large, unscaled inputs",
        "smaller initial weights, or normalisation before the activation",
        see_saturation,
    ),
    Rule(
        "gradients out of range",
        "Gradients vanish or explode.",
        _RECORDED,
        (VANISHING, EXPLODING),
        "depth without normalisation or shortcuts, saturation, a learning rate that is too high",
        "normalisation or shortcuts; a lower learning rate where they explode",
        see_gradients,
    ),
    Rule(
        "updates out of range",
        "A step changes the weights by far more, or far less, than the usual thousandth.",
        _RECORDED,
        (LARGEST_UPDATE, SMALLEST_UPDATE),
        "a learning rate that is out of range, frozen layers",
        "a learning rate that brings the ratio near 1e-3",
        see_updates,
    ),
    Rule(
        "first loss out of range",
        "Before the first step the loss is far from what guessing costs.",
        _CLASSIFIES,
        (FIRST_LOSS, KNOWN),
        "a head with large weights, unscaled features, weights that already know the task",
        "a smaller initial head, or standardised features",
        see_first_loss,
    ),
    Rule(
        "one batch is not learnt",
        "Steps on a single batch, again and again, hardly lower its loss.",
        _RECORDED,
        (LEARNT,),
        "a learning rate that is out of range, frozen layers, a loss that does not fit the last layer",
        "find the fault before anything else: neither data nor capacity can be",
        see_one_batch,
    ),
)
