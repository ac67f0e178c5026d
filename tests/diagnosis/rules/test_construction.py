"""Rules on how a net is built."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import construction as rules


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ({}, []),
        ({"after_softmax": [], "linear_layers": None}, []),
        ({"after_softmax": ["dense_1"]}, ["activations out of place"]),
        ({"after_softmax": [], "linear_layers": 1}, []),
        ({"after_softmax": [], "linear_layers": 2}, ["activations out of place"]),
        ({"even_kernels": 1, "kernels": 1}, []),
        ({"even_kernels": 2, "kernels": 5}, []),
        ({"even_kernels": 2, "kernels": 3}, ["units alike"]),
    ],
)
def test_what_stands_where(make: SimpleNamespace, start: dict[str, Any], found: list[str]) -> None:
    case = open_case(make.recorded_run(start, {}))
    assert [rule.name for rule in rules.RULES if rule.judge(case)] == found


@pytest.mark.parametrize(
    ("penalty", "end", "found"), [(8.0, 2.303, True), (1.0, 2.303, False), (8.0, 0.2, False)]
)
def test_a_penalty_that_outweighs_the_loss(
    make: SimpleNamespace, penalty: float, end: float, found: bool
) -> None:
    """Only where the net ends with answers like those of guessing among ten classes."""
    accuracy = np.full(20, 0.1) if end > 2 else np.linspace(0.1, 0.9, 20)
    record = make.log_of(loss=np.full(20, end), accuracy=accuracy)
    start = {"loss": 2.3 + penalty, "penalty": penalty, "classes": 10}
    case = open_case(replace(record, diagnostics={"start": start}))
    assert (rules.see_penalty(case) is not None) == found
