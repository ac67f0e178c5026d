"""What a fine-tuning run records of itself."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Finetune
from dlpractice.recipes.finetune import finetune
from dlpractice.recipes.finetune.recorder import describe_logits
from dlpractice.runs.directory import RunDirectory


def test_logits() -> None:
    found = describe_logits(np.array([[0, 1, 2], [3, 0, 0], [0, 0, 9], [0, 0, 1]], np.float32))
    assert found["predicted"] == [0.25, 0, 0.75]
    assert (found["low"], found["high"]) == (0, 9)


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
    assert sum(layer["trained"] for layer in found["epochs"][-1]["layers"]) == 2
