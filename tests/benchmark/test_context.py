import dataclasses

import pytest

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.progress import Silent


def test_a_part_sees_what_was_measured_before_it_but_cannot_change_the_rest() -> None:
    measured: dict[str, dict[str, object]] = {}
    context = Context(Sampling(7), MemoryBudget(0.5), Silent(), 0, measured)
    measured["peaks"] = {"rows": []}
    assert context.measured["peaks"] == {"rows": []}
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.seed = 1  # type: ignore[misc]
