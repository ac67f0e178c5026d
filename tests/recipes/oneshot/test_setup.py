"""What a one-shot run stands on before it trains."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.config.schema import Oneshot
from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.errors import ModelError
from dlpractice.layers.similarity import Cosine, NegativeDistance
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot.setup import prepare_oneshot, read_distortion
from dlpractice.registry.objectives import supcon_loss, triplet_loss


def changed(config: Oneshot, **sections: dict[str, Any]) -> Oneshot:
    document = config.model_dump()
    for name, values in sections.items():
        document[name] |= values
    return Oneshot.model_validate(document)


def test_the_seed_alone_decides_the_starting_weights(
    tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    def start(seed: int) -> np.ndarray:
        config = tiny_oneshot_config.model_copy(update={"seed": seed})
        return np.asarray(prepare_oneshot(config, Silent()).siamese.model.get_weights()[0])

    np.testing.assert_array_equal(start(1), start(1))
    assert np.abs(start(1) - start(2)).max() > 0.01


def test_the_seed_leaves_the_division_as_it_is(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    first, second = (
        prepare_oneshot(tiny_oneshot_config.model_copy(update={"seed": seed}), Silent()).class_split
        for seed in (1, 2)
    )
    assert first.digest == second.digest
    other = changed(tiny_oneshot_config, data={"split_seed": 3})
    assert prepare_oneshot(other, Silent()).class_split.digest != first.digest


def test_the_loss_is_the_objectives_with_the_configs_settings(
    tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    embeddings = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    labels = np.repeat(np.arange(4), 2).astype(np.int32)
    warm = changed(tiny_oneshot_config, objective={"name": "supcon", "temperature": 0.5})
    found = prepare_oneshot(warm, Silent()).loss(embeddings, labels)
    np.testing.assert_allclose(found, supcon_loss(embeddings, labels, Cosine(2.0)), rtol=1e-6)
    wide = changed(tiny_oneshot_config, objective={"name": "triplet", "margin": 3.0})
    found = prepare_oneshot(wide, Silent()).loss(embeddings, labels)
    wanted = triplet_loss(embeddings, labels, NegativeDistance(unit=True), margin=3.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_net_sees_as_many_channels_as_the_images_have(
    tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    for colour, channels in (("grey", 1), ("colour", 3)):
        setup = prepare_oneshot(changed(tiny_oneshot_config, data={"colour": colour}), Silent())
        assert setup.siamese.encoder.input_shape == (None, 16, 16, channels)
        assert len(setup.siamese.model.inputs) == 2


def test_a_precision_that_was_found_before_is_kept(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    config = changed(tiny_oneshot_config, hardware={"precision": "auto"})
    before = ("bfloat16", {"float32": 2.0, "bfloat16": 1.0})
    setup = prepare_oneshot(config, Silent(), before)
    assert (setup.precision, setup.timings) == before


def test_alignment_needs_a_feature_map(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    with pytest.raises(ModelError, match="feature map"):
        prepare_oneshot(changed(tiny_oneshot_config, evaluation={"alignment": 1}), Silent())
    mapped = changed(tiny_oneshot_config, encoder={"name": "conv4"}, evaluation={"alignment": 1})
    prepare_oneshot(mapped, Silent())


def test_the_distortion_has_every_range_of_the_config(tiny_oneshot_config: Oneshot) -> None:
    names = list(type(tiny_oneshot_config.distortion).model_fields)
    ranges = {name: 0.01 * number for number, name in enumerate(names, 1)}
    assert read_distortion(changed(tiny_oneshot_config, distortion=ranges)) == Distortion(**ranges)
