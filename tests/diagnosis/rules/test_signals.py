"""Rules on what training recorded of itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.diagnosis.case import Case, open_case
from dlpractice.diagnosis.rules import signals as rules

HEALTHY_START: dict[str, Any] = {
    "loss": 0.7,
    "classes": 2,
    "one_batch": {"before": 0.7, "after": 0.01, "steps": 50},
    "inputs": {"low": -2.1, "high": 2.6, "mean": 0.1, "std": 1.1},
    "output": {"activation": "linear"},
}
HEALTHY_LAYER: dict[str, Any] = {
    "name": "conv",
    "trained": True,
    "gradient_norm": 0.1,
    "weight_norm": 10.0,
    "update_ratio": 1e-3,
    "dead": 0.1,
    "saturated": None,
}


def case_of(make: SimpleNamespace, start: dict[str, Any], layer: dict[str, Any]) -> Case:
    epochs = [
        {"stage": "scratch", "epoch": 3, "layers": [HEALTHY_LAYER, HEALTHY_LAYER | {"name": "dense"} | layer]}
    ]
    return open_case(make.run_of(diagnostics={"start": HEALTHY_START | start, "epochs": epochs}))


def test_a_healthy_net_is_left_alone(make: SimpleNamespace) -> None:
    case = case_of(make, {}, {})
    assert [rule.name for rule in rules.SIGNALS if rule.judge(case)] == []


@pytest.mark.parametrize(
    ("start", "layer", "name"),
    [
        ({"loss": 9.0}, {}, "first loss out of range"),
        ({"loss": 0.2}, {}, "first loss out of range"),
        ({"loss": 2.5}, {}, None),
        ({"one_batch": {"before": 0.7, "after": 0.6, "steps": 50}}, {}, "one batch is not learnt"),
        ({"one_batch": {"before": 0.7, "after": None, "steps": 50}}, {}, "one batch is not learnt"),
        ({"one_batch": {"before": 0.9, "after": 0.6, "floor": 0.5, "steps": 50}}, {}, None),
        ({"inputs": {"low": 0, "high": 255, "mean": 120, "std": 74}}, {}, "inputs unscaled"),
        ({"output": {"activation": "softmax"}}, {}, "last layer and loss do not match"),
        ({}, {"dead": 0.9}, "dead ReLUs"),
        ({}, {"saturated": 0.95}, "saturated activations"),
        ({}, {"gradient_norm": 1e-9}, "gradients out of range"),
        ({}, {"gradient_norm": 5e3}, "gradients out of range"),
        ({}, {"gradient_norm": None}, "gradients out of range"),
        ({}, {"gradient_norm": 1e-9, "weight_norm": 0.0}, None),
        ({}, {"gradient_norm": None, "trained": False}, None),
        ({}, {"update_ratio": 0.5}, None),
    ],
)
def test_each_fault_has_its_rule(make: SimpleNamespace, start: Any, layer: Any, name: str | None) -> None:
    case = case_of(make, start, layer)
    assert [rule.name for rule in rules.SIGNALS if rule.judge(case)] == ([name] if name else [])


def test_units_that_were_dead_before_the_first_step_are_not_blamed_on_the_rate(make: SimpleNamespace) -> None:
    layer = {"dead": 0.95}
    killed = rules.see_dead(case_of(make, {}, layer))
    stillborn = rules.see_dead(case_of(make, {"layers": [HEALTHY_LAYER | layer]}, layer))
    assert killed is not None and stillborn is not None
    assert killed.overrides == ("training.learning_rate=0.0001",)
    assert stillborn.overrides == () and "before the first step" in stillborn.evidence[-1]


@pytest.mark.parametrize("ratio", [0.5, 1e-9])
def test_updates_are_judged_by_the_typical_layer(make: SimpleNamespace, ratio: float) -> None:
    layers = [HEALTHY_LAYER | {"update_ratio": ratio}] * 2 + [HEALTHY_LAYER]
    epochs = [{"stage": "scratch", "epoch": 2, "layers": layers}]
    sign = rules.see_updates(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs})))
    assert f"a step changes layers by {ratio:.1g}" in sign.evidence[0]


def test_gradients_that_are_all_small_have_not_vanished(make: SimpleNamespace) -> None:
    small = [HEALTHY_LAYER | {"name": name, "gradient_norm": 1e-9} for name in ("conv", "dense")]
    epochs = [{"stage": "scratch", "epoch": 9, "layers": small}]
    assert rules.see_gradients(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs}))) is None


def test_the_first_steps_are_not_typical(make: SimpleNamespace) -> None:
    epochs = [
        {"stage": "head", "epoch": epoch, "layers": [HEALTHY_LAYER | {"update_ratio": ratio}]}
        for epoch, ratio in ((1, 0.5), (2, 1e-3))
    ]
    assert rules.see_updates(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs}))) is None


def test_what_was_not_recorded_is_no_finding(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(diagnostics={}))
    assert [rule.name for rule in rules.SIGNALS if rule.judge(case)] == []
