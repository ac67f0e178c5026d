"""Optimiser steps that configs ask for, against those that runs have taken."""

from pathlib import Path

import pytest

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.recipes.diagnose.budget import count_steps, match_steps
from dlpractice.recipes.finetune import finetune
from dlpractice.runs.directory import RunDirectory


def changed(config: Finetune, strategy: str, fraction: float = 1.0, **training: object) -> Finetune:
    document = config.model_dump() | {"strategy": strategy}
    document["training"] |= training
    document["data"]["fraction"] = fraction
    return Finetune.model_validate(document)


@pytest.mark.parametrize(("strategy", "fraction"), [("scratch", 1.0), ("full", 0.4), ("top-block", 0.4)])
def test_counted_steps_are_those_that_are_taken(
    strategy: str, fraction: float, tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    config = changed(tiny_config, strategy, fraction, epochs=1)
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(config, run, score_test=False)
        taken = sum({row["stage"]: row["step"] for row in run.metrics()}.values())
    assert count_steps(config, run) == taken
    # From a run on a part, those on all: 48 images in batches of 16.
    assert count_steps(changed(tiny_config, "scratch", epochs=2), run) == 6


def test_a_warm_up_of_the_head_counts(tiny_config: Finetune, finished_run: Path) -> None:
    run, pretrained = RunDirectory.read(finished_run), {"weights": "imagenet"}
    top = changed(tiny_config, "top-block", epochs=4, head_epochs=2)
    assert count_steps(top, run) == 3 * 2 + 3 * 4
    full = changed(tiny_config, "full", epochs=4, head_epochs=2)
    assert count_steps(full, run) == 3 * 4  # nothing is pretrained
    model = full.model.model_copy(update=pretrained)
    assert count_steps(full.model_copy(update={"model": model}), run) == 3 * 2 + 3 * 4


def test_epochs_that_make_steps_equal(tiny_config: Finetune, finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    small = match_steps(changed(tiny_config, "scratch", batch_size=48), 18, run)
    assert isinstance(small, Finetune) and small.training.epochs == 18
    late = match_steps(changed(tiny_config, "top-block", head_epochs=2), 18, run)
    assert late.training.epochs == 4
    assert match_steps(changed(tiny_config, "top-block", head_epochs=9), 3, run).training.epochs == 1


def test_one_shot_epochs_have_their_steps(tiny_oneshot_config: Oneshot, finished_oneshot_run: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    assert count_steps(tiny_oneshot_config, run) == run.summary()["steps"] == 8
    assert match_steps(tiny_oneshot_config, 13, run).training.epochs == 3
