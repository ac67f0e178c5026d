"""Rules on what was recorded of the net before its first step."""

from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import before_training as rules


def test_a_healthy_net_is_left_alone(make: SimpleNamespace) -> None:
    case = open_case(make.recorded_run({}, {}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ({"loss": 9.0}, "first loss out of range"),
        ({"loss": 0.2}, "first loss out of range"),
        ({"loss": 2.5}, None),
        ({"one_batch": {"before": 0.7, "after": 0.6, "steps": 50}}, "one batch is not learnt"),
        ({"one_batch": {"before": 0.7, "after": None, "steps": 50}}, "one batch is not learnt"),
        ({"one_batch": {"before": 0.9, "after": 0.6, "floor": 0.5, "steps": 50}}, None),
        ({"inputs": {"low": 0, "high": 255, "mean": 120, "std": 74}}, "inputs unscaled"),
        ({"inputs": {"low": 0, "high": 0.004, "mean": 0.001, "std": 0.001}}, "inputs unscaled"),
        ({"inputs": {"low": 0, "high": 1, "mean": 0.001, "std": 0.01}}, None),
        ({"inputs": {"low": 0, "high": 0, "mean": 0, "std": 0}}, None),
        ({"output": {"activation": "softmax"}}, "last layer and loss do not match"),
    ],
)
def test_each_fault_has_its_rule(make: SimpleNamespace, start: Any, name: str | None) -> None:
    case = open_case(make.recorded_run(start, {}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == ([name] if name else [])


def test_what_was_not_recorded_is_no_finding(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(diagnostics={}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []


def probabilities(
    activation: str | None, low: float = 0.0, high: float = 1.0, units: int = 3
) -> dict[str, Any]:
    output = {"activation": activation, "units": units, "low": low, "high": high}
    return {"loss_takes": "probabilities", "output": output}


@pytest.mark.parametrize(
    ("start", "fits"),
    [
        (probabilities("softmax"), True),
        (probabilities("sigmoid", units=1), True),
        (probabilities("sigmoid") | {"loss_name": "categorical_crossentropy"}, False),
        (probabilities("sigmoid") | {"loss_name": "binary_crossentropy"}, True),
        (probabilities("softmax") | {"loss_name": "categorical_crossentropy"}, True),
        (probabilities(None), True),
        (probabilities(None, low=-0.1), False),
        (probabilities(None, high=1.1), False),
        (probabilities("linear"), False),
        (probabilities("relu"), False),
        (probabilities("softmax", units=1), False),
        (probabilities("tanh") | {"loss_takes": None}, True),
        (probabilities("softmax") | {"loss_takes": "logits"}, False),
        (probabilities("linear") | {"loss_takes": "logits"}, True),
    ],
)
def test_a_last_layer_fits_what_the_loss_takes(make: SimpleNamespace, start: Any, fits: bool) -> None:
    case = open_case(make.recorded_run(start, {}))
    assert (rules.see_output(case) is None) == fits


def targets(
    low: float,
    high: float,
    takes: list[int] | None = None,
    activation: str | None = "linear",
    loss: str = "",
    **form: Any,
) -> dict[str, Any]:
    return {
        "targets": {"low": low, "high": high, "takes": takes} | form,
        "output": {"activation": activation},
        "loss_name": loss or ("binary_crossentropy" if takes else "mean_squared_error"),
    }


@pytest.mark.parametrize(
    ("start", "fits"),
    [
        (targets(0, 1, [0, 1]), True),
        (targets(1, 2, [0, 1]), False),
        (targets(-1, 1, [0, 1]), False),
        (targets(1, 10, [0, 9]), False),
        (targets(0, 9, [0, 9]), True),
        (targets(-5, 50), True),
        (targets(0, 50, activation="sigmoid"), False),
        (targets(-0.5, 1, activation="tanh"), True),
        (targets(-5, 1, activation="tanh"), False),
        (targets(-5, 1, activation="relu"), False),
        (targets(0, 100, activation="relu"), True),
        (targets(-5, 50, activation=None), True),
        (targets(0, 9, activation="softmax", loss="my_own_loss"), True),
        (targets(0, 1, activation="softmax", sums=[1.0, 1.0]), True),
        (targets(0, 1, activation="softmax", sums=[0.0, 3.0]), False),
        (targets(0, 1, activation="sigmoid", sums=[0.0, 3.0]), True),
        (targets(0, 0.04, [0, 9], loss="sparse_categorical_crossentropy", whole=False), False),
        (targets(0, 9, [0, 9], loss="sparse_categorical_crossentropy", whole=True), True),
        (targets(0, 0.9, [0, 1], loss="categorical_crossentropy", whole=False), True),
    ],
)
def test_targets_are_within_reach(make: SimpleNamespace, start: Any, fits: bool) -> None:
    case = open_case(make.recorded_run(start, {}))
    assert (rules.see_targets(case) is None) == fits
