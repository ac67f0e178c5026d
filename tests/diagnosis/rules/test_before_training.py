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
        ({"output": {"activation": "softmax"}}, "last layer and loss do not match"),
    ],
)
def test_each_fault_has_its_rule(make: SimpleNamespace, start: Any, name: str | None) -> None:
    case = open_case(make.recorded_run(start, {}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == ([name] if name else [])


def test_what_was_not_recorded_is_no_finding(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(diagnostics={}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == []
