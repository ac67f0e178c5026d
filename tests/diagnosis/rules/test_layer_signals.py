"""Rules on what was recorded of the layers in training."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import layer_signals as rules


def test_a_healthy_net_is_left_alone(make: SimpleNamespace) -> None:
    case = open_case(make.recorded_run({}, {}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ({"dead": 0.9}, "dead ReLUs"),
        ({"saturated": 0.95}, "saturated activations"),
        ({"gradient_norm": 1e-9}, "gradients out of range"),
        ({"gradient_norm": 5e3}, "gradients out of range"),
        ({"gradient_norm": None}, "gradients out of range"),
        ({"gradient_norm": 1e-9, "weight_norm": 0.0}, None),
        ({"gradient_norm": None, "trained": False}, None),
        ({"update_ratio": 0.5}, None),
    ],
)
def test_each_fault_has_its_rule(make: SimpleNamespace, layer: Any, name: str | None) -> None:
    case = open_case(make.recorded_run({}, layer))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == ([name] if name else [])


def test_units_that_were_dead_before_the_first_step_are_not_blamed_on_the_rate(make: SimpleNamespace) -> None:
    layer = {"dead": 0.95}
    killed = rules.see_dead(open_case(make.recorded_run({}, layer)))
    stillborn = rules.see_dead(open_case(make.recorded_run({"layers": [make.layer | layer]}, layer)))
    assert killed is not None and stillborn is not None
    assert killed.overrides == ("training.learning_rate=0.0001",)
    assert stillborn.overrides == () and "before the first step" in stillborn.evidence[-1]


@pytest.mark.parametrize("ratio", [0.5, 1e-9])
def test_updates_are_judged_by_the_typical_layer(make: SimpleNamespace, ratio: float) -> None:
    layers = [make.layer | {"update_ratio": ratio}] * 2 + [make.layer]
    epochs = [{"stage": "scratch", "epoch": 2, "layers": layers}]
    sign = rules.see_updates(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs})))
    assert f"a step changes layers by {ratio:.1g}" in sign.evidence[0]


def test_gradients_that_are_all_small_have_not_vanished(make: SimpleNamespace) -> None:
    small = [make.layer | {"name": name, "gradient_norm": 1e-9} for name in ("conv", "dense")]
    epochs = [{"stage": "scratch", "epoch": 9, "layers": small}]
    assert rules.see_gradients(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs}))) is None


def test_the_first_steps_are_not_typical(make: SimpleNamespace) -> None:
    epochs = [
        {"stage": "head", "epoch": epoch, "layers": [make.layer | {"update_ratio": ratio}]}
        for epoch, ratio in ((1, 0.5), (2, 1e-3))
    ]
    assert rules.see_updates(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs}))) is None


def test_what_was_not_recorded_is_no_finding(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(diagnostics={}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []


def test_gradients_that_were_not_recorded_are_no_fault(make: SimpleNamespace) -> None:
    layer = {key: value for key, value in make.layer.items() if key != "gradient_norm"}
    epochs = [{"stage": "fit 1", "epoch": 1, "layers": [layer]}]
    assert rules.see_gradients(open_case(make.run_of(diagnostics={"epochs": epochs}))) is None


def test_a_classifier_that_is_sure_is_not_saturated(make: SimpleNamespace) -> None:
    """Its last layer, in a training of others; a hidden layer is."""
    record = replace(make.recorded_run({}, {"saturated": 0.95}), run=None)
    assert rules.see_saturation(open_case(record)) is None
    (epoch,) = record.recorded_epochs
    turned = {"epochs": [dict(epoch) | {"layers": epoch["layers"][::-1]}]}
    assert rules.see_saturation(open_case(replace(record, diagnostics=turned))) is not None
