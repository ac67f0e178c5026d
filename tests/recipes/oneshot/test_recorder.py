"""What a one-shot run records of itself, and that it changes nothing else of it."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Oneshot
from dlpractice.layers.similarity import NegativeDistance
from dlpractice.recipes.oneshot import oneshot
from dlpractice.recipes.oneshot.recorder import describe_pairs
from dlpractice.runs.directory import RunDirectory

SCORES = ("loss", "accuracy", "val_loss", "val_accuracy")


def test_pairs_of_one_class_and_of_two() -> None:
    similarity = NegativeDistance(unit=False, name="similarity")
    similarity.build([(None, 1), (None, 1)])
    labels = np.array([0, 0, 1], np.int32)
    found = describe_pairs(similarity, labels)(np.array([[0.0], [1.0], [3.0]], np.float32))
    pairs = found["similarity"]
    assert pairs["asymmetry"] == pytest.approx(0, abs=1e-6)
    squared = pairs["same"], pairs["different"]
    assert squared == pytest.approx((-1, -(9 + 4) / 2), rel=1e-3)


def test_a_one_shot_run_is_recorded_and_left_as_it_was(
    tiny_oneshot_config: Oneshot, finished_oneshot_run: Path, shared_cache: Path, tmp_path: Path
) -> None:
    training = tiny_oneshot_config.training.model_copy(update={"diagnostics": True})
    with RunDirectory.create(tmp_path / "recorded") as run:
        oneshot.run(tiny_oneshot_config.model_copy(update={"training": training}), run)
    plain, recorded = RunDirectory.read(finished_oneshot_run), RunDirectory.read(tmp_path / "recorded")
    for name in SCORES:
        assert [row[name] for row in recorded.metrics()] == [row[name] for row in plain.metrics()]
    found = recorded.diagnostics()
    assert found is not None
    assert [row["epoch"] for row in found["epochs"]] == [row["epoch"] for row in plain.metrics()]
    start = found["start"]
    assert (start["task"], start["objective"], start["classes"]) == (
        "one-shot",
        tiny_oneshot_config.objective.name,
        0,
    )
    assert start["one_batch"]["floor"] is None
    assert start["output"]["similarity"]["asymmetry"] < 1e-3 * start["output"]["similarity"]["spread"]
    assert start["images"]["high"] <= 255
