"""What is drawn for a batch, against numpy's turns and scipy's affine maps."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from dlpractice.data.oneshot.distortion import Distortion, Moves, see_plain

KINDS = ("rotation", "shear", "scale", "shift", "subimage", "thickness", "elastic")
STILL = dict.fromkeys(KINDS, 0.0)


def only(**ranges: float) -> Distortion:
    return Distortion(**(STILL | {"probability": 1.0} | ranges))


def draw(distortion: Distortion, count: int = 400, side: int = 20, image_size: int = 20) -> Moves:
    return distortion.draw(np.random.default_rng(0), np.zeros(count, np.int64), side, image_size)


def linear(moves: Moves) -> NDArray[np.float64]:
    """(N, 2, 2) matrices, x before y."""
    return moves.transforms[:, [0, 1, 3, 4]].reshape(-1, 2, 2).astype(np.float64)


def read(image: NDArray[np.float64], transform: NDArray[np.float32], image_size: int) -> NDArray[np.float64]:
    """What a transform, x before y, reads out of a (H, W) image, by scipy, which has y before x."""
    a0, a1, a2, b0, b1, b2 = (float(number) for number in transform[:6])
    shape = (image_size, image_size)
    matrix, offset = np.array([[b1, b0], [a1, a0]]), (b2, a2)
    return np.asarray(affine_transform(image, matrix, offset, shape, order=1, mode="nearest"))


@pytest.mark.parametrize("turn", range(8))
def test_turns_are_those_of_numpy(turn: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (15, 15))
    (transform,) = see_plain(np.array([turn]), 15, 15).transforms
    start = np.fliplr(image) if turn >= 4 else image
    wanted = np.rot90(start, turn % 4)
    np.testing.assert_allclose(read(image, transform, 15), wanted, atol=1e-3)


def test_nothing_is_moved_where_nothing_may_be() -> None:
    for moves in (
        draw(only(), 3),
        draw(Distortion(probability=1e-12), 3),
        see_plain(np.zeros(3, int), 20, 20),
    ):
        np.testing.assert_array_equal(moves.transforms, np.tile([1, 0, 0, 0, 1, 0, 0, 0], (3, 1)))
        np.testing.assert_array_equal(moves.pens, np.zeros(3))
        assert moves.fields.shape == (3, 0, 0, 2)


def test_another_size_is_the_whole_image_pixel_for_pixel() -> None:
    # The middle of output pixel i of 5 over 20 lies at 4 i + 1.5.
    (transform,) = see_plain(np.zeros(1, int), 20, 5).transforms
    np.testing.assert_allclose(transform, [4, 0, 1.5, 0, 4, 1.5, 0, 0])


def test_rotations_keep_angles_and_lengths_and_the_middle() -> None:
    moves = draw(only(rotation=30.0))
    matrices = linear(moves)
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(2), (400, 1, 1)), atol=1e-6
    )
    angles = np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert np.abs(angles).max() <= 30.0
    assert angles.min() < -28
    assert angles.max() > 28
    middles = np.einsum("nij,j->ni", matrices, [9.5, 9.5]) + moves.transforms[:, [2, 5]]
    np.testing.assert_allclose(middles, 9.5, atol=1e-5)


def test_shear_moves_along_an_axis_by_a_share_of_the_other() -> None:
    matrices = linear(draw(only(shear=0.3)))
    np.testing.assert_array_equal(matrices[:, [0, 1], [0, 1]], 1.0)
    for off in (matrices[:, 0, 1], matrices[:, 1, 0]):
        assert -0.3 <= off.min() < -0.28
        assert 0.28 < off.max() <= 0.3
    assert abs(np.corrcoef(matrices[:, 0, 1], matrices[:, 1, 0])[0, 1]) < 0.2


def test_a_scale_grows_each_axis_on_its_own() -> None:
    matrices = linear(draw(only(scale=0.2)))
    np.testing.assert_array_equal(matrices[:, [0, 1], [1, 0]], 0.0)
    grown = 1 / matrices[:, [0, 1], [0, 1]]
    assert 0.8 <= grown.min() < 0.82
    assert 1.18 < grown.max() <= 1.2001
    assert abs(np.corrcoef(*grown.T)[0, 1]) < 0.2


def test_a_shift_is_a_share_of_the_side_whatever_the_net_sees() -> None:
    for image_size in (20, 10):
        moved = draw(only(shift=0.1), image_size=image_size).transforms
        plain = see_plain(np.zeros(400, int), 20, image_size).transforms
        shifts = (moved - plain)[:, [2, 5]]
        assert 1.9 < np.abs(shifts).max() <= 2.0001
        np.testing.assert_array_equal(moved[:, [0, 1, 3, 4]], plain[:, [0, 1, 3, 4]])


def test_a_subimage_is_a_square_inside_the_image() -> None:
    moves = draw(only(subimage=0.4))
    sides = moves.transforms[:, 0]
    np.testing.assert_array_equal(moves.transforms[:, 4], sides)
    assert 0.6 <= sides.min() < 0.62
    # The outer edges of the first and of the last output pixel.
    first = moves.transforms[:, [2, 5]] - 0.5 * sides[:, None]
    last = moves.transforms[:, [2, 5]] + 19.5 * sides[:, None]
    assert first.min() >= -0.5001
    assert last.max() <= 19.5001
    assert first.max() > 4  # sometimes at the far end


def test_pens_and_fields_stay_in_their_ranges() -> None:
    moves = draw(only(thickness=0.5, elastic=0.1))
    assert -0.5 <= moves.pens.min() < -0.45
    assert 0.45 < moves.pens.max() <= 0.5
    assert moves.fields.shape == (400, 5, 5, 2)
    assert 1.9 < np.abs(moves.fields).max() <= 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_applied_with_its_probability(kind: str) -> None:
    moves = draw(Distortion(**(STILL | {kind: 0.2, "probability": 0.3})), 2000)
    plain = see_plain(np.zeros(2000, int), 20, 20)
    changed = (np.abs(moves.transforms - plain.transforms) > 1e-9).any(axis=1) | (moves.pens != 0)
    if kind == "elastic":
        changed |= moves.fields.any(axis=(1, 2, 3))
    twice = kind in ("shear", "scale", "shift")  # one draw for either axis
    assert changed.mean() == pytest.approx(1 - 0.7**2 if twice else 0.3, abs=0.04)


def test_an_image_is_turned_first_and_distorted_then() -> None:
    distortion = only(rotation=20.0, shear=0.2, shift=0.1, scale=0.3, subimage=0.2)
    image = np.random.default_rng(1).uniform(0, 255, (21, 21))
    for turn in (1, 6):
        one = distortion.draw(np.random.default_rng(5), np.array([turn]), 21, 21).transforms[0]
        upright = distortion.draw(np.random.default_rng(5), np.array([0]), 21, 21).transforms[0]
        turned = np.rot90(np.fliplr(image) if turn >= 4 else image, turn % 4)
        np.testing.assert_allclose(read(image, one, 21), read(turned, upright, 21), atol=1e-2)


def test_what_is_drawn_is_a_function_of_the_generator() -> None:
    first, second = (draw(Distortion(elastic=0.1, thickness=0.4), 7) for _ in range(2))
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == np.float32
