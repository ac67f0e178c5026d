import numpy as np
import pytest
from scipy.ndimage import label
from sklearn.datasets import load_digits

from dlpractice.data.examples import Examples
from dlpractice.data.sets.digits import find_ridges, read_digit_examples
from dlpractice.data.sets.glyphs.pen import PAPER, PEN_WIDTH, SIDE


@pytest.fixture(scope="module")
def digits() -> Examples:
    return read_digit_examples()


def test_ridges_lie_in_the_middle_of_a_line_between_pixels() -> None:
    columns = np.arange(8) + 0.5
    for middle in (2.7, 4.0, 5.2):
        grey = np.tile(np.exp(-((columns - middle) ** 2)), (8, 1))
        numbers, places = find_ridges(np.stack([grey, np.zeros((8, 8)), grey.T]))
        assert set(numbers.tolist()) == {0, 2}
        inner = (places > 1.5).all(axis=1) & (places < 6.5).all(axis=1)
        np.testing.assert_allclose(places[inner & (numbers == 0), 0], middle, atol=0.15)
        np.testing.assert_allclose(places[inner & (numbers == 2), 1], middle, atol=0.15)
        assert np.ptp(places[inner & (numbers == 0), 1]) > 3


def test_all_digits_are_there_with_their_classes(digits: Examples) -> None:
    assert digits.pixels.shape == (1797, SIDE, SIDE, 1) and digits.pixels.dtype == np.uint8
    np.testing.assert_array_equal(digits.classes, load_digits().target)
    assert digits.alphabet_names == ("digits",) and digits.class_names[7] == "digits/7"
    assert set(digits.alphabets.tolist()) == {0} and set(digits.drawers.tolist()) == {-1}
    assert len(set(digits.paths)) == len(digits.sha256) == 1797


def test_strokes_are_as_wide_as_the_pen(digits: Examples) -> None:
    """A ring of width w has an outer and an inner edge: its ink is w times half the length of its edges."""
    ink = (PAPER - np.asarray(digits.pixels[digits.classes == 0])[..., 0].astype(float)) / PAPER
    across, down = np.abs(np.diff(ink, axis=2))[:, :-1], np.abs(np.diff(ink, axis=1))[:, :, :-1]
    width = ink.sum() / (np.hypot(across, down).sum() / 2)
    assert width == pytest.approx(PEN_WIDTH, rel=0.12)


def test_zeros_keep_their_hole(digits: Examples) -> None:
    paper = np.asarray(digits.pixels[digits.classes == 0])[..., 0] > 128
    holes = np.array([label(image)[1] - 1 for image in paper])
    assert (holes >= 1).mean() > 0.85


def test_the_shapes_are_still_those_of_the_digits(digits: Examples) -> None:
    """Each digit's nearest of 900 others, on an eighth of the resolution, is mostly of its class."""
    ink = (PAPER - np.asarray(digits.pixels)[:, :104, :104, 0]).reshape(-1, 13, 8, 13, 8).mean(axis=(2, 4))
    known, asked = ink[:900].reshape(900, -1), ink[900:].reshape(897, -1)
    squares = (known**2).sum(axis=1) - 2 * asked @ known.T
    assert (digits.classes[:900][squares.argmin(axis=1)] == digits.classes[900:]).mean() > 0.85
