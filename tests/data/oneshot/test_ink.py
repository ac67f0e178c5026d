"""Photographs of drawings, simulated from drawings that are known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.files.decoding import ImageError
from dlpractice.data.oneshot import ink

Write = Callable[..., Path]
Bytes = NDArray[np.uint8]


def _draw(side: int, width: int) -> Bytes:
    """A letter L and a dot, 0 on 255; the longer side of its box is 0.6 of the side."""
    drawing = np.full((side, side), 255, np.uint8)
    low, high = round(0.2 * side), round(0.8 * side)
    drawing[low:high, low : low + width] = 0
    drawing[high - width : high, low : round(0.6 * side)] = 0
    drawing[low : low + width, round(0.55 * side) : round(0.55 * side) + width] = 0
    return drawing


def _photograph(drawing: Bytes, height: int, width: int, top: int, left: int) -> Image.Image:
    """The drawing in grey ink on a larger sheet, in light that falls from one side, with noise."""
    sheet = np.zeros((height, width))
    sheet[top : top + len(drawing), left : left + len(drawing)] = drawing == 0
    y, x = np.mgrid[:height, :width]
    light = 150 + 60 * x / width - 30 * y / height
    grey = light * (1 - 0.7 * sheet) + np.random.default_rng(0).normal(0, 4, sheet.shape)
    return Image.fromarray(np.stack([grey * 1.02, grey, grey * 0.9], axis=-1).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("smooth", [False, True])
def test_a_drawing_of_a_collection_stays_as_it_is(write: Write, tmp_path: Path, smooth: bool) -> None:
    drawing = _draw(105, 5)
    if smooth:  # with grey edges
        drawing = np.asarray(Image.fromarray(_draw(420, 21)).resize((105, 105), Image.Resampling.BOX))
        assert len(np.unique(drawing)) > 2
    path = write(tmp_path / "a.png", Image.fromarray(drawing))
    np.testing.assert_array_equal(ink.load_drawing(path, 105), drawing)


def test_a_photograph_becomes_the_drawing(write: Write, tmp_path: Path) -> None:
    drawing = _draw(400, 20)
    path = write(tmp_path / "a.jpg", _photograph(drawing, 700, 1000, 150, 480), quality=92)
    found = ink.load_drawing(path, 105)
    rows, columns = np.nonzero(found < 128)
    box = max(np.ptp(rows), np.ptp(columns)) + 1
    assert box / 105 == pytest.approx(ink.BOX, abs=0.02)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(52, abs=1)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(52, abs=1)
    # The same square, cut out of the drawing by hand.
    side = round(240 / ink.BOX)
    middle = (0.5 * 400, (80 + 240) / 2)
    top, left = (round(place - side / 2) for place in middle)
    inside = np.pad(drawing, 400, constant_values=255)[400 + top :, 400 + left :][:side, :side]
    truth = np.asarray(Image.fromarray(inside).resize((105, 105), Image.Resampling.BICUBIC))
    assert np.mean((found < 128) != (truth < 128)) < 0.01
    assert np.median(found[truth == 255]) == 255
    assert np.median(found[truth == 0]) == 0


def test_a_square_picture_is_a_canvas(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", Image.fromarray(_draw(420, 20)))
    truth = np.asarray(Image.fromarray(_draw(420, 20)).resize((105, 105), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(ink.load_drawing(path, 105), truth)


def test_transparent_pixels_are_paper(write: Write, tmp_path: Path) -> None:
    drawing = _draw(105, 5)
    pixels = np.zeros((105, 105, 4), np.uint8)
    pixels[..., 3] = 255 - drawing
    path = write(tmp_path / "a.png", Image.fromarray(pixels))
    np.testing.assert_array_equal(ink.load_drawing(path, 105), drawing)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_sheet_is_told(write: Write, tmp_path: Path, level: int) -> None:
    plain = write(tmp_path / "plain.png", Image.new("L", (60, 80), level))
    with pytest.raises(ImageError, match="shows no drawing"):
        ink.load_drawing(plain, 105)
    noise = np.random.default_rng(0).normal(max(level, 128), 6, (60, 80)).clip(0, 255).astype(np.uint8)
    with pytest.raises(ImageError, match="shows no drawing"):
        ink.load_drawing(write(tmp_path / "noise.png", Image.fromarray(noise)), 105)


def test_fine_lines_are_thickened_and_others_are_not() -> None:
    fine, bold = ((255.0 - _draw(300, width)) / 255 for width in (2, 20))
    np.testing.assert_array_equal(ink.thicken(bold), bold)
    wide = ink.thicken(fine)[150] > 0.5  # across the upright of the L
    assert wide.sum() == pytest.approx(ink.STROKE * 300, abs=1)
    assert (ink.thicken(fine) >= fine).all()


def test_the_split_is_otsus() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.3, 0.08, 300), rng.normal(0.9, 0.03, 2000)]).clip(0, 1)

    # The least variance within both sides, over all thresholds between two bins.
    def within(threshold: float) -> float:
        sides = [values[values > threshold], values[values <= threshold]]
        return sum(len(side) * float(side.var()) for side in sides if len(side))

    best = min((within(place), place) for place in np.linspace(0, 1, 257)[1:-1])
    assert within(ink._split(values)) == pytest.approx(best[0], rel=1e-3)
