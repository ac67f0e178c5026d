from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.config.schema import Finetune
from dlpractice.errors import DataError, ModelError
from dlpractice.recipes.data import check_images


def assume(source: Path, **data: object) -> Finetune:
    settings = {"source": str(source), "image_size": 16, **data}
    return Finetune.model_validate({"command": "finetune", "strategy": "scratch", "data": settings})


def write(root: Path, **counts: int) -> Path:
    rng = np.random.default_rng(0)
    for label, count in counts.items():
        (root / label).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(root / label / f"{number}.png")
    return root


@pytest.fixture(autouse=True)
def own_cache(shared_cache: Path) -> None:
    """Images are decoded once for all tests."""


def test_the_sizes_of_the_splits_are_those_of_training(tmp_path: Path) -> None:
    found = check_images.run(assume(write(tmp_path / "data", a=20, b=20), validation=0.2, test=0.1))
    assert found.accepted and found.sizes == {"train": 28, "validation": 8, "test": 4}
    assert found.settings() == {
        "data.validation": 0.2,
        "data.test": 0.1,
        "data.on_bad_image": "error",
        "data.near_duplicates": "group",
        "data.image_size": 16,
    }
    half = check_images.run(assume(tmp_path / "data", validation=0.2, test=0.1, fraction=0.5))
    assert half.sizes == {"train": 14, "validation": 8, "test": 4} and half.settings()["data.fraction"] == 0.5
    document = found.to_json()
    assert (document["accepted"], document["splits"]["test"], document["images"]) == (True, 4, 40)


def test_a_class_that_cannot_be_divided_is_an_error(tmp_path: Path) -> None:
    found = check_images.run(assume(write(tmp_path / "data", a=20, b=2)))
    assert not found.accepted and found.sizes == {}
    (error,) = found.audit.of("error")
    assert error.message.startswith("1 of 2 classes cannot be divided") and "add images" in error.hint


def test_data_that_are_none_are_refused_and_no_data_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = check_images.run(assume(tmp_path / "empty"))
    assert not found.accepted and "holds no images" in found.audit.findings[0].message
    with pytest.raises(DataError, match="there is no folder or file"):
        check_images.run(assume(tmp_path / "absent"))


def test_faulty_lines_of_a_table_are_told(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,label\nx.png,a\ny.png,b\n")
    message = check_images.run(assume(table)).audit.findings[0].message
    assert message.startswith(f"{table} has 2 faulty lines") and "no such file: y.png" in message


def test_images_too_small_for_the_backbone_are_refused_as_training_does(tmp_path: Path) -> None:
    config = assume(write(tmp_path / "data", a=20, b=20), image_size=31)
    assert check_images.run(config).accepted
    with pytest.raises(ModelError, match=r"data\.image_size must be 32 or more for VGG16; got 31"):
        check_images.run(config.model_copy(update={"strategy": "head"}))
