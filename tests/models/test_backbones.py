"""Every row of the table: it builds, and it can be cut at the end of each of its blocks."""

from typing import Any

import keras
import numpy as np
import pytest

from dlpractice.errors import ModelError
from dlpractice.layers.preprocessing import preprocess
from dlpractice.models.backbones import build_base, find_block_ends
from dlpractice.registry.backbones import BACKBONES, Backbone


def build_at_minimum(row: Backbone) -> keras.Model:
    images = keras.Input((row.minimum_size, row.minimum_size, 3))
    return build_base(row, preprocess(images, row.scaling))


@pytest.fixture(scope="module", params=BACKBONES)
def built(request: Any) -> tuple[Backbone, keras.Model]:
    """A row of the table and its base at the smallest size that it takes."""
    row = BACKBONES[request.param]
    return row, build_at_minimum(row)


def test_it_is_the_application_of_keras(built: tuple[Backbone, keras.Model]) -> None:
    row, base = built
    if row.build is not None:
        assert not hasattr(keras.applications, row.application)
        return
    application = getattr(keras.applications, row.application)
    whole = application(include_top=False, weights=None, input_shape=(row.minimum_size,) * 2 + (3,))
    shapes = [weight.shape for weight in base.weights]
    # Keras's own preprocessing, where the net brings it, has weights that are not trained.
    assert shapes == [weight.shape for weight in whole.weights][-len(shapes) :]
    assert base.output.shape == whole.output.shape


def test_the_two_parts_at_each_block_end_are_the_whole(built: tuple[Backbone, keras.Model]) -> None:
    row, base = built
    size = row.minimum_size
    images = np.random.default_rng(1).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    ends = find_block_ends(base, row.blocks)
    assert len(ends) == len(row.blocks)
    *features, wanted = keras.Model(base.inputs[0], [end.output for end in ends])(images)
    assert np.std(wanted) > 0
    for end, feature in zip(ends[:-1], features, strict=True):
        front = keras.Model(base.inputs[0], end.output)
        rest = keras.Model(end.output, base.outputs[0])
        held = [id(variable) for part in (front, rest) for variable in part.variables]
        assert sorted(held) == sorted(id(variable) for variable in base.variables)
        assert front.count_params() and rest.count_params()
        # Relative to the largest: random weights let some of these nets fade to 1e-9.
        np.testing.assert_allclose(rest(feature), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    assert ends[-1].output is base.outputs[0]


def test_later_blocks_are_no_larger(built: tuple[Backbone, keras.Model]) -> None:
    row, base = built
    sides = [end.output.shape[1] for end in find_block_ends(base, row.blocks)]
    assert sides == sorted(sides, reverse=True)
    assert sides[-1] < sides[0]


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_the_blocks_of_vgg_end_with_their_pools(name: str) -> None:
    ends = find_block_ends(build_at_minimum(BACKBONES[name]), BACKBONES[name].blocks)
    assert [end.name for end in ends] == [f"block{number}_pool" for number in range(1, 6)]


def test_the_blocks_of_a_residual_net_end_behind_its_additions() -> None:
    row = BACKBONES["resnet50v2"]
    ends = find_block_ends(build_at_minimum(row), row.blocks)
    assert [end.name for end in ends[1:4]] == ["conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]


@pytest.mark.parametrize("name", BACKBONES)
def test_a_pixel_less_than_the_minimum_is_an_error(name: str) -> None:
    row = BACKBONES[name]
    size = row.minimum_size - 1
    with pytest.raises(
        ModelError, match=f"{row.minimum_size} or more for {row.application}; got {size}"
    ) as e:
        build_base(row, keras.Input((size, size, 3)))
    assert str(row.native_size) in e.value.hint


def test_a_block_ends_where_nothing_leads_past_it() -> None:
    images = keras.Input((4,))
    fork = keras.layers.Dense(4, name="a1")(images)
    x = keras.layers.Dense(4, name="a3")(keras.layers.Dense(4, name="a2")(fork))
    x = keras.layers.Add(name="b2")([keras.layers.Dense(4, name="b1")(x), fork])
    model = keras.Model(images, keras.layers.Dense(4, name="b3")(x))
    # `a3` is the last layer in front of b, but the connection from `a1` leads past it.
    assert [end.name for end in find_block_ends(model, ("a", "b"))] == ["a1", "b3"]
