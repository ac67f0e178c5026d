"""Heat maps by occlusion, of scores that are known to look at one place."""

import numpy as np

from dlpractice.recipes.inference.occlusion import CELLS, cover_parts, map_falls, scale_map


def test_the_place_that_is_looked_at_is_found() -> None:
    """A net that sees only a spot in the third row and the sixth column of cells."""
    pixels = np.zeros((40, 40, 1), np.uint8)
    pixels[12, 27] = 255

    def score(images: np.ndarray) -> np.ndarray:
        return np.asarray(images[:, 12, 27, 0])

    found = map_falls(float(score(pixels[None])[0]), score(cover_parts(pixels)))
    assert found.shape == (CELLS, CELLS)
    assert np.unravel_index(found.argmax(), found.shape) == (2, 5)
    # Cells that were never covered together with the spot's own show nothing.
    assert np.abs(found[:, :4]).max() == np.abs(found[4:]).max() == 0


def test_each_part_is_covered_with_the_mean_colour_and_nothing_else_changed() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 37, 3), np.uint8)
    covered = cover_parts(pixels)
    assert covered.shape == (49, 37, 37, 3)
    changed = (covered != pixels).any(-1)
    assert changed.any(0).all()
    for copy, where in zip(covered, changed, strict=True):
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        inside = copy[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.testing.assert_allclose(inside, np.broadcast_to(pixels.mean((0, 1)), inside.shape), rtol=1e-6)
        assert {len(rows), len(columns)} <= {8, 9, 10}


def test_a_map_is_scaled_by_what_speaks_for_the_class() -> None:
    np.testing.assert_array_equal(scale_map([[-3.0, 1.0], [0.5, 2.0]]), [[0, 0.5], [0.25, 1]])
    np.testing.assert_array_equal(scale_map([[-1.0, 0.0]]), [[0, 0]])
