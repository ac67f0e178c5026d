"""What is drawn, and what the numbers mean, against numpy alone."""

from dataclasses import replace

import numpy as np
import pytest

from dlpractice.data.augmentation import Augmentation, Draw, mix_targets

EVERYTHING = Augmentation("both", 30, 0.3, 0.2, 0.1, 0.2, 0.3, mixup=0.4, cutmix=1.0)
SIDE = 16


def draw(augmentation: Augmentation, seed: int = 0, count: int = 400, *, mix: bool = True) -> Draw:
    return augmentation.draw(np.random.default_rng(seed), count, SIDE, mix=mix)


def matrices(drawn: Draw) -> np.ndarray:
    """(N, 2, 3) affine maps from output to input pixels."""
    return drawn.transforms[:, :6].reshape(-1, 2, 3).astype(np.float64)


def test_a_draw_is_a_function_of_the_generator_alone() -> None:
    first, again, other = draw(EVERYTHING), draw(EVERYTHING), draw(EVERYTHING, seed=1)
    for ours, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(first.transforms, other.transforms)


def test_shapes_and_types() -> None:
    shapes = [
        ((400, 8), "f4"),
        ((400, 3), "f4"),
        ((400,), "i4"),
        ((400, 4), "i4"),
        ((400,), "f4"),
        ((400,), "f4"),
    ]
    for augmentation in (EVERYTHING, Augmentation()):
        found = [(array.shape, array.dtype.str[1:]) for array in draw(augmentation)]
        assert found == shapes


def test_no_augmentation_draws_nothing_but_the_identity() -> None:
    drawn = draw(Augmentation())
    np.testing.assert_array_equal(drawn.transforms, [[1, 0, 0, 0, 1, 0, 0, 0]] * 400)
    np.testing.assert_array_equal(drawn.colours, [[0, 1, 1]] * 400)
    np.testing.assert_array_equal(drawn.partners, np.arange(400))
    np.testing.assert_array_equal(drawn.boxes, 0)
    np.testing.assert_array_equal(drawn.shares, 1)
    np.testing.assert_array_equal(drawn.blend, 1)


def test_flips_turn_half_of_the_images_around_their_centre() -> None:
    horizontal, both = (matrices(draw(Augmentation(flip=flip))) for flip in ("horizontal", "both"))
    mirror = [[-1, 0, SIDE - 1], [0, 1, 0]]
    mirrored = (horizontal == mirror).all(axis=(1, 2))
    assert 150 < mirrored.sum() < 250
    assert (horizontal[~mirrored] == np.eye(3)[:2]).all()
    kinds, counts = np.unique(both, axis=0, return_counts=True)
    assert len(kinds) == 4 and counts.min() > 60


def test_every_map_without_shift_keeps_the_centre() -> None:
    centre = np.array([(SIDE - 1) / 2, (SIDE - 1) / 2, 1])
    maps = matrices(draw(Augmentation("both", rotation=180, zoom=0.5)))
    np.testing.assert_allclose(maps @ centre, np.broadcast_to(centre[:2], (400, 2)), atol=1e-5)


def test_rotations_are_rotations_within_their_range() -> None:
    maps = matrices(draw(Augmentation(rotation=30)))[:, :, :2]
    np.testing.assert_allclose(
        maps @ maps.transpose(0, 2, 1), np.broadcast_to(np.eye(2), (400, 2, 2)), atol=1e-6
    )
    degrees = np.rad2deg(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert -30 <= degrees.min() < -27 and 27 < degrees.max() <= 30
    assert np.linalg.det(maps) == pytest.approx(1)


def test_zoom_is_the_scale_of_what_is_seen() -> None:
    maps = matrices(draw(Augmentation(zoom=0.4)))
    scales = 1 / maps[:, 0, 0]
    assert 0.6 <= scales.min() < 0.64 and 1.36 < scales.max() <= 1.4
    np.testing.assert_array_equal(maps[:, 0, 0], maps[:, 1, 1])


def test_shifts_are_shares_of_the_side() -> None:
    offsets = matrices(draw(Augmentation(shift=0.25)))[:, :, 2]
    assert np.abs(offsets).max() <= 0.25 * SIDE
    assert (np.ptp(offsets, axis=0) > 0.45 * SIDE).all()
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.15


def test_colours_stay_within_their_ranges() -> None:
    colours = draw(Augmentation(brightness=0.1, contrast=0.2, saturation=0.3)).colours
    np.testing.assert_allclose(colours.min(0), [-0.1, 0.8, 0.7], atol=0.01)
    np.testing.assert_allclose(colours.max(0), [0.1, 1.2, 1.3], atol=0.01)


def test_mixup_draws_shares_from_its_beta_distribution() -> None:
    drawn = draw(Augmentation(mixup=2.0), count=4000)
    np.testing.assert_array_equal(drawn.blend, drawn.shares)
    np.testing.assert_array_equal(drawn.boxes, 0)
    assert sorted(drawn.partners) == list(range(4000))
    assert drawn.shares.mean() == pytest.approx(0.5, abs=0.02)
    assert drawn.shares.var() == pytest.approx(1 / (4 * (2 * 2 + 1)), rel=0.1)


def test_the_share_of_cutmix_is_the_area_that_is_left() -> None:
    drawn = draw(Augmentation(cutmix=1.0))
    top, left, bottom, right = drawn.boxes.T
    for edge in (top, left, bottom, right):
        assert edge.min() >= 0 and edge.max() <= SIDE
    assert (top <= bottom).all() and (left <= right).all()
    np.testing.assert_allclose(drawn.shares, 1 - (bottom - top) * (right - left) / SIDE**2, atol=1e-6)
    np.testing.assert_array_equal(drawn.blend, 1)
    assert drawn.shares.min() < 0.3 and drawn.shares.max() > 0.95


def test_with_both_each_batch_is_mixed_in_one_way() -> None:
    both = Augmentation(mixup=1.0, cutmix=1.0)
    cut = [bool(draw(both, seed, 4).boxes.any()) for seed in range(60)]
    assert 15 < sum(cut) < 45


def test_without_mixing_the_rest_is_drawn_the_same() -> None:
    mixed, plain = draw(EVERYTHING), draw(EVERYTHING, mix=False)
    np.testing.assert_array_equal(mixed.transforms, plain.transforms)
    np.testing.assert_array_equal(mixed.colours, plain.colours)
    np.testing.assert_array_equal(plain.shares, 1)
    np.testing.assert_array_equal(plain.partners, np.arange(400))


def test_targets_are_mixed_as_a_loop_would() -> None:
    targets = np.random.default_rng(0).dirichlet(np.ones(3), 400).astype(np.float32)
    drawn, ones = draw(EVERYTHING), np.ones(400, np.float32)
    mixed, weights = mix_targets(targets, ones, drawn)
    for row in range(400):
        share, partner = drawn.shares[row], drawn.partners[row]
        np.testing.assert_allclose(
            mixed[row], share * targets[row] + (1 - share) * targets[partner], rtol=1e-5
        )
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(weights, ones)
    np.testing.assert_array_equal(mix_targets(targets, ones, draw(Augmentation(flip="both")))[0], targets)


def test_a_mixed_loss_is_mixed_from_the_weighted_losses() -> None:
    rng = np.random.default_rng(0)
    targets = np.eye(3, dtype=np.float32)[rng.integers(3, size=400)]
    weights, costs = rng.uniform(0.1, 9, 400).astype(np.float32), rng.uniform(0, 5, 3)
    drawn = draw(EVERYTHING)
    mixed, mixed_weights = mix_targets(targets, weights, drawn)
    own = weights * (targets @ costs)
    wanted = drawn.shares * own + (1 - drawn.shares) * own[drawn.partners]
    np.testing.assert_allclose(mixed_weights * (mixed @ costs), wanted, rtol=1e-5)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("field", ["rotation", "zoom", "shift", "brightness", "contrast", "saturation"])
def test_what_changes_an_image_alone(field: str) -> None:
    assert replace(Augmentation(), **{field: 0.1}).changes_pixels


def test_what_changes_images_alone_and_together() -> None:
    assert not Augmentation().changes_pixels and not Augmentation().mixes
    assert Augmentation(flip="horizontal").changes_pixels
    for mixing in (Augmentation(mixup=0.2), Augmentation(cutmix=0.2)):
        assert mixing.mixes and not mixing.changes_pixels
