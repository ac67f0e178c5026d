"""What runs record of themselves, and that it changes nothing else of them."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.layers.similarity import NegativeDistance
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.oneshot import oneshot
from dlpractice.recipes.run.recorders import describe_logits, describe_pairs
from dlpractice.runs.directory import RunDirectory

SCORES = ("loss", "accuracy", "val_loss", "val_accuracy")


def test_logits() -> None:
    found = describe_logits(np.array([[0, 1, 2], [3, 0, 0], [0, 0, 9], [0, 0, 1]], np.float32))
    assert found["predicted"] == [0.25, 0, 0.75]
    assert (found["low"], found["high"]) == (0, 9)


def test_pairs_of_one_class_and_of_two() -> None:
    similarity = NegativeDistance(unit=False, name="similarity")
    similarity.build([(None, 1), (None, 1)])
    labels = np.array([0, 0, 1], np.int32)
    found = describe_pairs(similarity, labels)(np.array([[0.0], [1.0], [3.0]], np.float32))
    pairs = found["similarity"]
    assert pairs["asymmetry"] == pytest.approx(0, abs=1e-6)
    squared = pairs["same"], pairs["different"]
    assert squared == pytest.approx((-1, -(9 + 4) / 2), rel=1e-3)


def test_a_head_on_frozen_features_is_recorded(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    document = tiny_config.model_dump() | {"strategy": "top-block"}
    document["training"] |= {"epochs": 1, "head_epochs": 2, "diagnostics": True, "label_smoothing": 0.1}
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(Finetune.model_validate(document), run)
    found = RunDirectory.read(tmp_path / "run").diagnostics()
    assert found is not None
    start = found["start"]
    assert (start["stage"], start["inputs"]["layer"]) == ("head", "logits")
    # Standardised over all training images: about so on a batch of them.
    assert start["inputs"]["std"] == pytest.approx(1, abs=0.5)
    assert 0 <= start["images"]["low"] < start["images"]["high"] <= 255
    assert start["preprocessed"]["scaling"] == "caffe"
    assert -124 <= start["preprocessed"]["low"] < 0 < start["preprocessed"]["high"] <= 152
    share = 0.05  # of two classes, smoothed by a tenth
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert start["one_batch"]["floor"] == pytest.approx(entropy, rel=1e-4)
    assert [(row["stage"], row["epoch"]) for row in found["epochs"]] == [
        ("head", 1),
        ("head", 2),
        ("top-block", 1),
    ]
    assert [layer["name"] for layer in found["epochs"][0]["layers"] if layer["trained"]] == ["logits"]
    assert sum(layer["trained"] for layer in found["epochs"][-1]["layers"]) > 2


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
