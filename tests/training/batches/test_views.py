"""What the net sees, against numpy's turns, block means and scipy's affine maps."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates, maximum_filter, minimum_filter

from dlpractice.data.oneshot.distortion import Distortion, Moves, see_plain
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.views import DistortedViews, PlainViews, view_batch

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 2), np.uint8)
STROKE = np.full((1, 15, 15, 1), 255, np.uint8)
STROKE[0, 7, 3:12] = 0


def view(images: NDArray[np.uint8], moves: Moves, image_size: int) -> NDArray[np.float32]:
    return np.asarray(view_batch(images, *moves, image_size))


def read(rows: PlainViews, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.asarray(rows.receive(*map(tf.constant, rows.send(indices))))


def stay(count: int, side: int) -> Moves:
    return see_plain(np.zeros(count, np.int64), side, side)


def test_at_its_own_size_an_image_is_seen_as_it_is() -> None:
    seen = view(IMAGES, stay(3, 12), 12)
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, IMAGES)


@pytest.mark.parametrize("factor", [2, 3, 4, 6])
def test_at_a_whole_fraction_of_its_size_an_image_is_the_mean_of_blocks(factor: int) -> None:
    size = 12 // factor
    seen = view(IMAGES, see_plain(np.zeros(3, np.int64), 12, size), size)
    blocks = IMAGES.reshape(3, size, factor, size, factor, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(seen, blocks, rtol=1e-5, atol=1e-3)


def test_turns_are_those_of_numpy_at_any_size() -> None:
    rows = PlainViews(Streamed(IMAGES), 4, turns=8)
    assert len(rows) == 24
    seen = read(rows, np.arange(24))
    for turn in range(8):
        start = IMAGES[:, :, ::-1] if turn >= 4 else IMAGES
        turned = np.ascontiguousarray(np.rot90(start, turn % 4, axes=(1, 2)))
        blocks = turned.reshape(3, 4, 3, 4, 3, 2).mean(axis=(2, 4))
        np.testing.assert_allclose(seen[3 * turn : 3 * turn + 3], blocks, rtol=1e-5, atol=1e-3)


def test_rows_are_seen_in_the_order_asked_for() -> None:
    rows = PlainViews(Streamed(IMAGES), 5, turns=4)
    asked = np.array([7, 0, 11, 7])
    np.testing.assert_allclose(read(rows, asked), read(rows, np.arange(12))[asked], atol=1e-3)


@pytest.mark.parametrize("size", [12, 4, 20])
def test_a_drawn_transform_is_that_of_scipy(size: int) -> None:
    distortion = Distortion(
        rotation=25.0, shear=0.2, scale=0.2, shift=0.1, subimage=0.2, elastic=0.0, probability=1.0
    )
    turns = np.array([0, 3, 5])
    moves = distortion.draw(np.random.default_rng(1), turns, 12, size)
    seen = view(IMAGES, moves, size)
    factor = 3 if size == 4 else 1
    for number in range(3):
        a0, a1, a2, b0, b1, b2 = (float(value) for value in moves.transforms[number, :6])
        for channel in range(2):
            image = IMAGES[number, :, :, channel].astype(np.float64)
            # At a third of the size, first the mean of 3 x 3, of fewer at the edge.
            count = sum_around(np.ones_like(image), factor)
            wanted = affine_transform(
                sum_around(image, factor) / count,
                [[b1, b0], [a1, a0]],
                (b2, a2),
                (size, size),
                order=1,
                mode="nearest",
            )
            np.testing.assert_allclose(seen[number, :, :, channel], wanted, atol=0.05)


def sum_around(image: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    padded = np.pad(image, size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.asarray(windows.sum(axis=(2, 3)))


def test_a_thicker_pen_takes_the_darkest_around_a_thinner_one_the_lightest() -> None:
    window = (1, 3, 3, 1)
    darkest, lightest = minimum_filter(IMAGES, window), maximum_filter(IMAGES, window)
    share = np.array([1.0, -1.0, 0.25], np.float32)
    seen = view(IMAGES, stay(3, 12)._replace(pens=share), 12)
    np.testing.assert_allclose(seen[0], darkest[0], atol=1e-3)
    np.testing.assert_allclose(seen[1], lightest[1], atol=1e-3)
    np.testing.assert_allclose(seen[2], 0.75 * IMAGES[2] + 0.25 * darkest[2], atol=1e-3)


def test_ink_grows_with_the_pen() -> None:
    ink = [
        float((255 - view(STROKE, stay(1, 15)._replace(pens=np.array([pen], np.float32)), 15)).sum() / 255)
        for pen in (-1, -0.5, 0, 0.5, 1)
    ]
    np.testing.assert_allclose(ink, [0, 4.5, 9, (9 + 33) / 2, 33], atol=1e-3)


def test_a_field_of_zeros_changes_nothing() -> None:
    still = stay(3, 12)._replace(fields=np.zeros((3, 5, 5, 2), np.float32))
    np.testing.assert_array_equal(view(IMAGES, still, 12), IMAGES)


def test_an_even_field_shifts_the_image_by_what_it_says() -> None:
    fields = np.zeros((3, 5, 5, 2), np.float32)
    fields[..., 0], fields[..., 1] = 2.0, -3.0  # each pixel is read from two below and three to the left
    seen = view(IMAGES, stay(3, 12)._replace(fields=fields), 12)
    np.testing.assert_allclose(seen[:, :10, 3:], IMAGES[:, 2:, :9], atol=1e-3)


def test_a_field_moves_the_middles_of_its_parts_by_what_it_says() -> None:
    # 5 x 5 parts of 15 pixels: their middles are the pixels 1, 4, 7, 10 and 13.
    fields = np.random.default_rng(2).uniform(-1.5, 1.5, (1, 5, 5, 2)).astype(np.float32)
    image = np.random.default_rng(3).uniform(0, 255, (1, 15, 15, 1)).astype(np.uint8)
    seen = view(image, stay(1, 15)._replace(fields=fields), 15)[0, :, :, 0]
    middles = np.arange(5) * 3 + 1
    places = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1) + fields[0]
    wanted = map_coordinates(
        image[0, :, :, 0].astype(np.float64), np.moveaxis(places, -1, 0), order=1, mode="nearest"
    )
    np.testing.assert_allclose(seen[np.ix_(middles, middles)], wanted, atol=0.05)


def test_a_bend_is_smooth() -> None:
    # Bent and not torn: a ramp stays a ramp, whose steps differ by less than a pixel from even ones.
    ramp = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (50, 1))[None, :, :, None]
    moves = Distortion(0, 0, 0, 0, elastic=0.04, probability=1.0).draw(
        np.random.default_rng(4), np.zeros(1, np.int64), 50, 50
    )
    seen = view(ramp, moves, 50)[0, :, :, 0]
    inner = np.diff(seen[5:-5, 5:-5], axis=1)
    assert np.abs(seen - ramp[0, :, :, 0]).max() > 3
    assert inner.min() > 0
    assert inner.max() < 10


def test_what_lies_outside_is_like_the_nearest_edge() -> None:
    moves = stay(3, 12)
    moves.transforms[:, 2] = 20.0
    np.testing.assert_array_equal(view(IMAGES, moves, 12), np.repeat(IMAGES[:, :, -1:], 12, axis=2))


def test_what_is_passed_in_is_left_as_it_is() -> None:
    moves = see_plain(np.zeros(3, np.int64), 12, 6)
    before = [part.copy() for part in moves]
    first = view(IMAGES, moves, 6)
    np.testing.assert_array_equal(view(IMAGES, moves, 6), first)
    for part, kept in zip(moves, before, strict=True):
        np.testing.assert_array_equal(part, kept)


def test_distorted_views_are_always_the_same_and_differ_with_the_seed() -> None:
    distortion = Distortion(elastic=0.1, thickness=0.5, probability=1.0)
    pixels, every = Streamed(IMAGES), np.arange(3)
    rows = DistortedViews(pixels, 6, distortion)
    assert len(rows) == 3
    seen = read(rows, every)
    np.testing.assert_allclose(read(rows, np.array([2])), seen[2:], atol=1e-3)
    np.testing.assert_array_equal(read(DistortedViews(pixels, 6, distortion), every), seen)
    assert np.abs(read(DistortedViews(pixels, 6, distortion, 1), every) - seen).max() > 10
    assert np.abs(read(PlainViews(pixels, 6), every) - seen).max() > 10


def test_views_are_compiled_once_for_all_supplies_of_a_kind() -> None:
    first, second = (PlainViews(Streamed(images), 6).receive for images in (IMAGES, STROKE))
    assert first == second and hash(first) == hash(second)
    assert first != PlainViews(Streamed(IMAGES), 5).receive
