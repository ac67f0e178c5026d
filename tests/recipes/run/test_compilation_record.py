"""Whether steps are compiled: what is found out stands in the run, and in the cache for the next one."""

from pathlib import Path

import pytest

from dlpractice.config.schema import Finetune
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.run.compilation_record import was_compiled
from dlpractice.runs.directory import RunDirectory
from dlpractice.training.devices import compile_choice
from dlpractice.training.devices.placement import place


def test_the_next_run_goes_by_the_times_of_the_first(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_choice, "_SHORTEST", {"CPU": 0.0})  # else no training this short is compiled
    training = tiny_config.training.model_copy(update={"epochs": 1, "batch_size": 11})
    hardware = tiny_config.hardware.model_copy(update={"compile": "auto"})
    changes = {"strategy": "linear@block1", "training": training, "hardware": hardware}
    config = tiny_config.model_copy(update=changes)
    found = []
    for name in ("first", "next"):
        with RunDirectory.create(tmp_path / name) as run:
            finetune.run(config, run)
        ((stage, choice),) = run.environment()["compilation"].items()
        assert was_compiled(stage, run, place()) == choice["compiled"]
        found.append((stage, choice["compiled"], choice["step_seconds"]))
        monkeypatch.setattr(compile_choice, "_time", None)  # from here on, nothing is timed
    first, following = found
    assert following == first
    stage, compiled, seconds = first
    assert list(seconds) == ["plain", "compiled"] and min(seconds.values()) > 0
    assert compiled == (1.1 * seconds["compiled"] < seconds["plain"])
