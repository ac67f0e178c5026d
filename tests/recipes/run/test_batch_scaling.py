"""The stated rules, and a run that goes on elsewhere."""

import math
from pathlib import Path

import pytest

from dlpractice.errors import RunError
from dlpractice.recipes.run.batch_scaling import BatchScaling, Rule, refuse_other_replicas, scale_batch
from dlpractice.runs.directory import RunDirectory


@pytest.mark.parametrize("rule", ["none", "linear", "sqrt"])
def test_one_device_trains_by_the_config(rule: Rule) -> None:
    assert scale_batch(rule, 1) == BatchScaling(1, 1.0, 0.0)


def test_a_rate_grows_with_the_batch_or_its_root() -> None:
    assert scale_batch("none", 8) == BatchScaling(1, 1.0, 0.0)
    assert scale_batch("linear", 8) == BatchScaling(8, 8, 0.05)
    assert scale_batch("sqrt", 8) == BatchScaling(8, math.sqrt(8), 0.05)


def test_a_scaled_run_goes_on_with_as_many_devices(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run") as run:
        run.write_config("")
        run.write_environment({"replicas": 4})
        refuse_other_replicas("linear", 4, run)
        refuse_other_replicas("none", 2, run)
        with pytest.raises(RunError, match=r"was started on 4 devices.*here are 2"):
            refuse_other_replicas("linear", 2, run)
