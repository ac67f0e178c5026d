"""Rules on losses that do not fit the task."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import loss_choice as rules


def start(loss: str, activation: str | None, **targets: Any) -> dict[str, Any]:
    """What is recorded where the targets are the classes 0 and 1, half each, but for `targets`."""
    usual = {"low": 0.0, "high": 1.0, "mean": 0.5, "std": 0.5, "whole": True, "sums": None}
    return {"loss_name": loss, "output": {"activation": activation, "units": 1}, "targets": usual | targets}


SQUARED, ABSOLUTE = "mean_squared_error", "mean_absolute_error"


@pytest.mark.parametrize(
    ("recorded", "end", "found"),
    [
        (start(SQUARED, "sigmoid"), 0.24, True),
        (start(SQUARED, "sigmoid"), math.nan, True),
        (start(SQUARED, "sigmoid"), 0.02, False),
        (start(ABSOLUTE, "sigmoid"), 0.49, True),
        (start(ABSOLUTE, "sigmoid"), 0.02, False),
        (start(SQUARED, "linear", sums=[1.0, 1.0]), 0.24, True),
        (start(SQUARED, "linear"), 0.24, False),
        (start(SQUARED, "sigmoid", whole=False), 0.24, False),
        (start(SQUARED, "sigmoid", high=3.0), 0.24, False),
        (start("binary_crossentropy", "sigmoid"), 0.69, False),
    ],
)
def test_classes_by_a_loss_of_numbers(
    make: SimpleNamespace, recorded: dict[str, Any], end: float, found: bool
) -> None:
    record = replace(make.log_of(loss=[0.26, end]), diagnostics={"start": recorded})
    assert (rules.see_loss_of_numbers(open_case(record)) is not None) == found


@pytest.mark.parametrize(
    ("changes", "end", "found"),
    [
        ({"mean": 140.0, "std": 50.0}, 2000.0, True),
        ({"mean": 140.0, "std": 50.0}, math.inf, True),
        ({"mean": 140.0, "std": 50.0}, 100.0, False),
        ({"mean": 140.0, "std": 2.0}, 3.0, True),
        ({"mean": 1.0, "std": 2.0}, 3.0, False),
        ({"mean": 140.0, "std": 0.0}, 3.0, False),
    ],
)
def test_targets_far_from_zero(
    make: SimpleNamespace, changes: dict[str, float], end: float, found: bool
) -> None:
    recorded = start(SQUARED, "linear", whole=False, **changes)
    record = replace(make.log_of(loss=[2e4, end]), diagnostics={"start": recorded})
    assert (rules.see_far_targets(open_case(record)) is not None) == found


def test_a_last_layer_with_bounds_is_another_fault(make: SimpleNamespace) -> None:
    recorded = start(SQUARED, "sigmoid", whole=False, mean=140.0, std=50.0)
    record = replace(make.log_of(loss=[2e4, 2e4]), diagnostics={"start": recorded})
    assert rules.see_far_targets(open_case(record)) is None
