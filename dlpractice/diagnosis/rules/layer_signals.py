"""Rules about what diagnostics.json says of the layers in training: their units, gradients and updates."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.remedies import lower_rate, raise_rate
from dlpractice.diagnosis.rule import RECORDED, UNTRAINED, Rule, Threshold

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


def see_dead(case: Case) -> Sign | None:
    """Layers of which most ReLUs give zero for every example.

    Where they did so before the first step, no learning rate has killed them and none revives them.
    """
    sign = _see_share(case, "dead", DEAD, "never fire")
    if sign is None or not _dead_at_start(case):
        return sign
    return replace(sign, evidence=(*sign.evidence, "it was so before the first step"), overrides=())


def _dead_at_start(case: Case) -> bool:
    return any(
        (layer.get("dead") or 0.0) > DEAD.value for layer in case.record.recorded_start.get("layers") or []
    )


def see_saturation(case: Case) -> Sign | None:
    """Layers of which most activations are at the flat ends of their function.

    The last layer of a training of others is left out: a classifier that is sure of its answers ends there.
    """
    return _see_share(case, "saturated", SATURATED, "are saturated", last=case.record.run is not None)


def _see_share(case: Case, key: str, threshold: Threshold, what: str, *, last: bool = True) -> Sign | None:
    """`last`: whether the last layer counts, too."""
    found = {
        layer["name"]: (int(epoch["epoch"]), layer[key])
        for epoch in reversed(case.record.recorded_epochs)
        for layer in (epoch["layers"] if last else epoch["layers"][:-1])
        if layer.get(key) is not None and layer[key] > threshold.value
    }
    if not found:
        return None
    name, (epoch, share) = max(found.items(), key=lambda item: item[1][1])
    text = f"{share:.0%} of {name} {what} at epoch {epoch}; {len(found)} such layers"
    return Sign("warning", "high", (text,), lower_rate(case.record.run, 0.05))


def see_gradients(case: Case) -> Sign | None:
    """Gradients that vanish or explode."""
    for epoch, layer in _layers(case):
        if not layer["trained"] or "gradient_norm" not in layer:
            continue
        norm = layer["gradient_norm"]
        if norm is None or norm > EXPLODING.value:
            size = "is not a number" if norm is None else f"has the norm {norm:.3g}"
            text = f"the gradient of {layer['name']} {size} at epoch {epoch}"
            return Sign("warning", "high", (text,), lower_rate(case.record.run, 0.05))
    return _see_vanishing(case)


def _see_vanishing(case: Case) -> Sign | None:
    """A gradient far below the largest one of the same epoch.

    Where the loss is near zero all gradients are small, so that a small one alone says nothing.
    """
    for epoch in reversed(case.record.recorded_epochs):
        shares = {
            layer["name"]: layer["gradient_norm"] / layer["weight_norm"]
            for layer in epoch["layers"]
            if layer["trained"] and layer.get("gradient_norm") is not None and layer["weight_norm"]
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
        return Sign("warning", "medium", (text,), lower_rate(case.record.run, 0.05))
    if 0 < typical[0] < SMALLEST_UPDATE.value:
        text = f"a step changes layers by {typical[0]:.1g} of their weights on the median"
        return Sign("info", "medium", (text,), raise_rate(case.record.run, 1e-5))
    return None


def list_update_ratios(case: Case) -> list[tuple[float, str, int]]:
    """The update ratio of each trained layer in each epoch, with the layer's name and the epoch's number.

    The first epoch is left out: Adam's first step and the steps of a warm-up are unlike all others.
    """
    return [
        (layer["update_ratio"], layer["name"], epoch)
        for epoch, layer in _layers(case)
        if layer["trained"] and layer["update_ratio"] is not None and epoch > 1
    ]


def _layers(case: Case) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each layer that was recorded, with its epoch; the last epoch comes first."""
    for epoch in reversed(case.record.recorded_epochs):
        for layer in epoch["layers"]:
            yield int(epoch["epoch"]), layer


RULES = (
    Rule(
        name="dead ReLUs",
        finds="Most units of a layer give zero for every example, and get no gradient any more.",
        needs=(RECORDED,),
        thresholds=(DEAD,),
        causes="a learning rate that was too high, biases far below zero, unscaled inputs",
        remedy="a lower learning rate and fresh weights",
        look=see_dead,
        importance=290,
        explained_by=(
            "loss exploded",
            "inputs unscaled",
            "learning rate too high",
        ),
        stops_training=True,
    ),
    Rule(
        name="saturated activations",
        finds="Most activations of a layer stand where their function is flat.",
        needs=(RECORDED,),
        thresholds=(SATURATED,),
        causes="initial weights that are too large, unscaled inputs",
        remedy="smaller initial weights, or normalisation before the activation",
        look=see_saturation,
        importance=280,
        stops_training=True,
    ),
    Rule(
        name="gradients out of range",
        finds="Gradients vanish or explode.",
        needs=(RECORDED,),
        thresholds=(VANISHING, EXPLODING),
        causes="depth without normalisation or shortcuts, saturation, a learning rate that is too high",
        remedy="normalisation or shortcuts; a lower learning rate where they explode",
        look=see_gradients,
        importance=270,
        explained_by=(UNTRAINED,),
    ),
    Rule(
        name="updates out of range",
        finds="A step changes the weights by far more, or far less, than the usual thousandth.",
        needs=(RECORDED,),
        thresholds=(LARGEST_UPDATE, SMALLEST_UPDATE),
        causes="a learning rate that is out of range, frozen layers",
        remedy="a learning rate that brings the ratio near 1e-3",
        look=see_updates,
        importance=260,
        explained_by=(
            "nothing is trained",
            "learning rate too high",
            "learning rate too low",
        ),
    ),
)
