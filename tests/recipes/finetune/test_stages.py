"""How a config becomes stages of training."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Finetune
from dlpractice.errors import HardwareError
from dlpractice.recipes.finetune import finetune
from dlpractice.runs.directory import RunDirectory


def test_fine_tuning_starts_from_the_trained_head_at_its_own_rate(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    document = tiny_config.model_dump() | {"strategy": "top-block"}
    document["training"] |= {"epochs": 1, "head_epochs": 4, "head_learning_rate": 0.01, "learning_rate": 1e-5}
    document["training"]["schedule"] = "constant"
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(Finetune.model_validate(document), run)
    rows = RunDirectory.read(tmp_path / "run").metrics()
    assert [(row["stage"], row["epoch"]) for row in rows] == [("head", k) for k in range(1, 5)] + [
        ("top-block", 1)
    ]
    assert [row["learning_rate"] for row in rows] == [0.01] * 4 + [1e-5]
    best = min(rows[:4], key=lambda row: row["val_loss"])
    # At so small a rate, an epoch of fine-tuning ends where the head's best epoch left off.
    assert np.isclose(rows[4]["val_loss"], best["val_loss"], rtol=0.05)


def test_tensorboard_gets_a_folder_per_stage(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    document = tiny_config.model_dump()
    document["training"] |= {"tensorboard": True, "epochs": 1}
    with RunDirectory.create(tmp_path / "run") as run:
        finetune.run(Finetune.model_validate(document), run)
    assert list((tmp_path / "run" / "tensorboard" / "scratch").rglob("events.out.tfevents.*"))


def test_train_metrics_are_measured_on_as_many_images_as_validation(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    size = sum(row["split"] == "validation" for row in run.splits())
    rows = run.metrics()
    assert size and rows
    for row in rows:
        assert row["accuracy"] * size == round(row["accuracy"] * size)


def test_recording_leaves_the_training_as_it_was(
    tiny_config: Finetune, finished_run: Path, tmp_path: Path
) -> None:
    training = tiny_config.training.model_copy(update={"diagnostics": True})
    with RunDirectory.create(tmp_path / "recorded") as run:
        finetune.run(tiny_config.model_copy(update={"training": training}), run)
    plain, recorded = RunDirectory.read(finished_run), RunDirectory.read(tmp_path / "recorded")
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert [row[name] for row in recorded.metrics()] == [row[name] for row in plain.metrics()]
    document = recorded.diagnostics()
    assert document is not None
    assert plain.diagnostics() is None
    assert [row["epoch"] for row in document["epochs"]] == [1, 2, 3]
    assert document["start"]["classes"] == 2


def test_accumulation_reaches_the_training(tiny_config: Finetune, shared_cache: Path, tmp_path: Path) -> None:
    # A net without batch statistics: a backbone's head.
    weights = []
    for parts in (1, 3):
        training = {
            "epochs": 2,
            "head_epochs": 1,
            "batch_size": 7,
            "optimizer": "sgd",
            "accumulation_steps": parts,
        }
        config = tiny_config.model_copy(
            update={
                "strategy": "head",
                "model": tiny_config.model.model_copy(update={"backbone": "mobilenetv2", "width": 1.0}),
                "training": tiny_config.training.model_copy(update=training),
            }
        )
        with RunDirectory.create(tmp_path / str(parts)) as run:
            finetune.run(config, run)
            weights.append((run.metrics(), run.predictions()))
    (rows, answers), (others, same) = weights
    assert [row["step"] for row in rows] == [row["step"] for row in others]
    np.testing.assert_allclose([row["loss"] for row in others], [row["loss"] for row in rows], atol=1e-5)
    np.testing.assert_allclose([row["loss"] for row in same], [row["loss"] for row in answers], atol=1e-5)


def test_batches_that_devices_fill_up_and_normalise_are_refused(
    tiny_config: Finetune, shared_cache: Path, tmp_path: Path
) -> None:
    # 48 training images in 2 batches of 24, in 25 parts.
    training = tiny_config.training.model_copy(update={"batch_size": 25, "accumulation_steps": 25})
    config = tiny_config.model_copy(update={"training": training})
    with (
        RunDirectory.create(tmp_path / "run") as run,
        pytest.raises(HardwareError, match="batches have 24 images for 25 devices and parts"),
    ):
        finetune.run(config, run)
