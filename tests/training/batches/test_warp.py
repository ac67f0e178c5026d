"""Warping and mixing against numpy and Pillow."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.augmentation import Augmentation
from dlpractice.training.batches.warp import mix_batch, warp_batch

SIDE = 12
NEUTRAL = [0.0, 1.0, 1.0]


@pytest.fixture
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)


def warp(
    images: NDArray[np.uint8], transform: list[float], colours: list[float] = NEUTRAL
) -> NDArray[np.float32]:
    count = len(images)
    transforms = np.array([[*transform, 0, 0]] * count, np.float32)
    return np.asarray(warp_batch(images, transforms, np.array([colours] * count, np.float32)))


def test_the_identity_returns_the_image_exactly(images: NDArray[np.uint8]) -> None:
    drawn = Augmentation().draw(np.random.default_rng(0), 4, SIDE)
    np.testing.assert_array_equal(warp_batch(images, drawn.transforms, drawn.colours), images)


def test_drawn_flips_are_those_of_numpy(images: NDArray[np.uint8]) -> None:
    many = np.repeat(images[:1], 40, axis=0)
    drawn = Augmentation(flip="both").draw(np.random.default_rng(0), 40, SIDE)
    flipped = np.asarray(warp_batch(many, drawn.transforms, drawn.colours))
    kinds = {
        (bool(x), bool(y)): images[0][:: -1 if y else 1, :: -1 if x else 1] for x in (0, 1) for y in (0, 1)
    }
    for image, row in zip(flipped, drawn.transforms, strict=True):
        np.testing.assert_array_equal(image, kinds[bool(row[0] < 0), bool(row[4] < 0)])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_those_of_numpy(images: NDArray[np.uint8], turns: int) -> None:
    # A rotation of the maximum alone: the generator is asked for a range of no width.
    class Fixed(np.random.Generator):
        def uniform(self, low=0.0, high=1.0, size=None):  # type: ignore[no-untyped-def]
            return np.full(size, high)

    drawn = Augmentation(rotation=90.0 * turns).draw(Fixed(np.random.PCG64(0)), 4, SIDE)
    turned = np.asarray(warp_batch(images, drawn.transforms, np.array([NEUTRAL] * 4, np.float32)))
    np.testing.assert_allclose(turned, np.rot90(images, turns, axes=(1, 2)), atol=0.02)


def test_a_shift_mirrors_what_comes_in_from_outside(images: NDArray[np.uint8]) -> None:
    right = warp(images, [1, 0, 3, 0, 1, 0])
    np.testing.assert_array_equal(right[:, :, :-3], images[:, :, 3:])
    np.testing.assert_array_equal(right[:, :, -3:], images[:, :, :-4:-1])
    up = warp(images, [1, 0, 0, 0, 1, -2])
    np.testing.assert_array_equal(up[:, 2:], images[:, :-2])
    np.testing.assert_array_equal(up[:, :2], images[:, 1::-1])


def test_half_a_pixel_is_the_mean_of_two(images: NDArray[np.uint8]) -> None:
    shifted = warp(images, [1, 0, 0.5, 0, 1, 0])
    pixels = images.astype(np.float32)
    np.testing.assert_allclose(shifted[:, :, :-1], (pixels[:, :, :-1] + pixels[:, :, 1:]) / 2)


def test_zoom_and_rotation_are_those_of_pillow(images: NDArray[np.uint8]) -> None:
    drawn = Augmentation(rotation=40, zoom=0.4, flip="both").draw(np.random.default_rng(3), 4, SIDE)
    warped = np.asarray(warp_batch(images, drawn.transforms, drawn.colours))
    for image, row, found in zip(images, drawn.transforms, warped, strict=True):
        a0, a1, a2, b0, b1, b2 = (float(value) for value in row[:6])
        # Pillow counts from the corner of a pixel, not from its centre.
        data = (a0, a1, a2 + 0.5 - (a0 + a1) / 2, b0, b1, b2 + 0.5 - (b0 + b1) / 2)
        wanted = Image.fromarray(image).transform(
            (SIDE, SIDE), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
        )
        inside = np.asarray(
            Image.new("L", (SIDE, SIDE), 255).transform((SIDE, SIDE), Image.Transform.AFFINE, data)
        )
        x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
        source = np.stack([a0 * x + a1 * y + a2, b0 * x + b1 * y + b2])
        certain = ((source >= 0) & (source <= SIDE - 1)).all(axis=0)
        assert certain.sum() > 40 and inside[certain].all()
        np.testing.assert_allclose(found[certain], np.asarray(wanted)[certain], atol=1.0)


def test_what_is_known_of_shapes_changes_no_bit(images: NDArray[np.uint8]) -> None:
    drawn = Augmentation("both", 40, 0.4, 0.4, 0.2, 0.2, 0.2).draw(np.random.default_rng(3), 4, SIDE)
    parts = images, drawn.transforms, drawn.colours
    compiled = tf.function(warp_batch)
    np.testing.assert_array_equal(compiled(*map(tf.constant, parts)), warp_batch(*parts))


def test_colours_are_those_of_the_formula(images: NDArray[np.uint8]) -> None:
    brightness, contrast, saturation = 0.1, 0.7, 1.4
    found = warp(images, [1, 0, 0, 0, 1, 0], [brightness, contrast, saturation])
    for image, result in zip(images.astype(np.float64), found, strict=True):
        grey = image @ [0.299, 0.587, 0.114]
        vivid = grey[..., None] + saturation * (image - grey[..., None])
        wanted = grey.mean() + contrast * (vivid - grey.mean()) + 255 * brightness
        np.testing.assert_allclose(result, np.clip(wanted, 0, 255), atol=1e-3)
    assert found.min() >= 0 and found.max() <= 255


def test_no_saturation_is_grey_and_no_contrast_is_flat(images: NDArray[np.uint8]) -> None:
    grey = warp(images, [1, 0, 0, 0, 1, 0], [0, 1, 0])
    np.testing.assert_allclose(np.ptp(grey, axis=-1), 0, atol=1e-4)
    flat = warp(images, [1, 0, 0, 0, 1, 0], [0, 0, 0])
    np.testing.assert_allclose(np.ptp(flat, axis=(1, 2)), 0, atol=1e-4)


def test_mixup_blends_exactly(images: NDArray[np.uint8]) -> None:
    pixels = images.astype(np.float32)
    drawn = Augmentation(mixup=1.0).draw(np.random.default_rng(1), 4, SIDE)
    mixed = np.asarray(mix_batch(pixels, pixels[drawn.partners], drawn.boxes, drawn.blend))
    for row, (partner, share) in enumerate(zip(drawn.partners, drawn.shares, strict=True)):
        wanted = share * pixels[row] + (1 - share) * pixels[partner]
        np.testing.assert_allclose(mixed[row], wanted, rtol=1e-6)


def test_cutmix_pastes_the_box_and_counts_its_pixels() -> None:
    pixels = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None, None, None], (8, SIDE, SIDE, 3))
    drawn = Augmentation(cutmix=1.0).draw(np.random.default_rng(2), 8, SIDE)
    mixed = np.asarray(mix_batch(pixels, pixels[drawn.partners], drawn.boxes, drawn.blend))
    assert (drawn.partners != np.arange(8)).any()
    for row, (top, left, bottom, right) in enumerate(drawn.boxes):
        wanted = pixels[row].copy()
        wanted[top:bottom, left:right] = drawn.partners[row]
        np.testing.assert_array_equal(mixed[row], wanted)
        if drawn.partners[row] != row:
            assert (mixed[row, :, :, 0] == row).mean() == pytest.approx(drawn.shares[row])
