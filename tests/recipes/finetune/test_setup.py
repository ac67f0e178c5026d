"""What a run stands on before it trains."""

from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Finetune
from dlpractice.errors import ModelError
from dlpractice.progress import Silent
from dlpractice.recipes.finetune.setup import (
    freeze_features,
    prepare_setup,
    read_augmentation,
)
from dlpractice.registry.strategies import IMAGES


def test_the_seed_alone_decides_the_starting_weights(tiny_config: Finetune, shared_cache: Path) -> None:
    def start(seed: int) -> np.ndarray:
        config = tiny_config.model_copy(update={"seed": seed})
        return np.asarray(prepare_setup(config, Silent()).classifier.model.get_weights()[0])

    np.testing.assert_array_equal(start(1), start(1))
    assert np.abs(start(1) - start(2)).max() > 0.01


def test_features_of_views_stand_view_after_view(tiny_config: Finetune, shared_cache: Path) -> None:
    document = tiny_config.model_dump() | {"strategy": "linear@block1"}
    document["augment"] = {"rotation": 20.0, "views": 3}
    config = Finetune.model_validate(document)
    setup = prepare_setup(config, Silent())
    features = freeze_features(config, setup, setup.strategy.cuts, Silent())
    count = len(setup.dataset.train)
    rows = features["train"]["pooled1"][np.arange(3 * count)].astype(np.float32)
    plain = setup.classifier.front(["pooled1"]).predict(
        setup.dataset.train.pixels[:].astype(np.float32), verbose=0
    )
    np.testing.assert_allclose(rows[:count], np.squeeze(plain), rtol=2e-3, atol=1e-3)
    assert np.abs(rows[count:] - np.tile(rows[:count], (2, 1))).max() > 0.01
    assert len(features["test"]["pooled1"]) == len(setup.dataset.test)
    assert features["train"][IMAGES][np.arange(2)].dtype == np.uint8


def test_the_augmentation_has_every_range_of_the_config(tiny_config: Finetune) -> None:
    augment = {name: 0.25 for name in type(tiny_config.augment).model_fields if name not in ("flip", "views")}
    config = Finetune.model_validate(tiny_config.model_dump() | {"augment": augment | {"flip": "both"}})
    augmentation = read_augmentation(config)
    assert {name: getattr(augmentation, name) for name in augment} == augment
    assert augmentation.flip == "both"


def test_a_block_that_the_backbone_lacks_is_an_error(tiny_config: Finetune, shared_cache: Path) -> None:
    with pytest.raises(ModelError, match="blocks 1 to 5"):
        prepare_setup(tiny_config.model_copy(update={"strategy": "linear@block7"}), Silent())
