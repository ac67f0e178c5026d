from pathlib import Path

import pytest

from dlpractice.config.schema import Finetune
from dlpractice.errors import DataError, DlpError, HardwareError, ModelError, RunError
from dlpractice.recipes.finetune import rehearsal
from dlpractice.runs.directory import RunDirectory
from dlpractice.training import features


def change(config: Finetune, section: str, **values: object) -> Finetune:
    tree = config.model_dump()
    tree[section] |= values
    return Finetune.model_validate(tree)


def test_what_would_be_trained_is_what_is_trained(
    tiny_config: Finetune, finished_run: Path, tmp_path: Path
) -> None:
    found = rehearsal.run({"scratch": tiny_config}, {"scratch": [tmp_path / "new"]})["scratch"]
    finished = RunDirectory.read(finished_run)
    for key in ("parameters", "trainable_parameters"):
        assert found[key] == finished.summary()[key]
    splits = [row["split"] for row in finished.splits()]
    assert found["sizes"] == {name: splits.count(name) for name in ("train", "validation", "test")}
    assert (found["classes"], found["batch"], found["weights"]) == (2, 16, "random")
    environment = finished.environment()
    assert (found["precision"], found["devices"]) == (environment["precision"], environment["devices"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("section", "values", "error"),
    [
        ("data", {"source": "absent"}, DataError),
        ("model", {"weights": "absent.h5"}, ModelError),
        ("hardware", {"devices": ("/GPU:7",)}, HardwareError),
        ("training", {"batch_size": 7, "accumulation_steps": 7}, HardwareError),  # 48 images in 7 steps
    ],
)
def test_training_would_refuse_it_and_so_does_the_rehearsal(
    tiny_config: Finetune, section: str, values: dict[str, object], error: type[DlpError], tmp_path: Path
) -> None:
    strategy = "head" if section == "model" else "scratch"
    config = change(tiny_config, section, **values).model_copy(update={"strategy": strategy})
    with pytest.raises(error):
        rehearsal.run({"one": config}, {"one": [tmp_path]})


def test_a_run_that_was_begun_is_held_against_the_config(tiny_config: Finetune, finished_run: Path) -> None:
    assert rehearsal.run({"one": tiny_config}, {"one": [finished_run]})
    with pytest.raises(RunError, match="another config"):
        rehearsal.run({"one": change(tiny_config, "training", epochs=7)}, {"one": [finished_run]})


def test_features_that_no_disk_holds_are_refused(
    tiny_config: Finetune, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = change(tiny_config, "data", image_size=35).model_copy(update={"strategy": "linear@block1"})
    usage = features.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(features.shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(DataError, match="frozen features need"):
        rehearsal.run({"one": config}, {"one": [tmp_path / "new"]})
