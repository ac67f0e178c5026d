"""Rules on what training recorded of itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.diagnosis import signals as rules
from dlpractice.diagnosis.case import Case, open_case

HEALTHY_START: dict[str, Any] = {
    "loss": 0.7,
    "classes": 2,
    "one_batch": {"before": 0.7, "after": 0.01, "steps": 50},
    "inputs": {"low": -2.1, "high": 2.6, "mean": 0.1, "std": 1.1},
    "output": {"activation": "linear"},
}
HEALTHY_LAYER: dict[str, Any] = {
    "name": "conv",
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
        ({"one_batch": {"before": 0.7, "after": 0.6, "steps": 50}}, {}, "one batch is not learnt"),
        ({"inputs": {"low": 0, "high": 255, "mean": 120, "std": 74}}, {}, "inputs unscaled"),
        ({"output": {"activation": "softmax"}}, {}, "last layer and loss do not match"),
        ({}, {"dead": 0.8}, "dead ReLUs"),
        ({}, {"saturated": 0.9}, "saturated activations"),
        ({}, {"gradient_norm": 1e-9}, "gradients out of range"),
        ({}, {"gradient_norm": 5e3}, "gradients out of range"),
        ({}, {"gradient_norm": None}, "gradients out of range"),
        ({}, {"update_ratio": 0.5}, None),
    ],
)
def test_each_fault_has_its_rule(make: SimpleNamespace, start: Any, layer: Any, name: str | None) -> None:
    case = case_of(make, start, layer)
    assert [rule.name for rule in rules.SIGNALS if rule.judge(case)] == ([name] if name else [])


@pytest.mark.parametrize("ratio", [0.5, 1e-9])
def test_updates_are_judged_by_the_typical_layer(make: SimpleNamespace, ratio: float) -> None:
    layers = [HEALTHY_LAYER | {"update_ratio": ratio}] * 2 + [HEALTHY_LAYER]
    epochs = [{"stage": "scratch", "epoch": 1, "layers": layers}]
    sign = rules.see_updates(open_case(make.run_of(diagnostics={"start": {}, "epochs": epochs})))
    assert "a step changes conv" in sign.evidence[0]


def test_what_was_not_recorded_is_no_finding(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(diagnostics={}))
    assert [rule.name for rule in rules.SIGNALS if rule.judge(case)] == []
