import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlpractice.evaluation.baselines.strokes import DIRECTIONS, FIELD_STEP, POINTS, direction_codes, trace


def drawing(*lines: tuple[int, int, int, int], side: int = 105, width: int = 3) -> np.ndarray:
    image = Image.new("L", (side, side), 255)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=0, width=width)
    return np.asarray(image)[:, :, np.newaxis]


def test_directions_divide_half_a_turn() -> None:
    angles = np.pi * np.arange(-16, 32) / DIRECTIONS
    codes = direction_codes(np.cos(angles), np.sin(angles))
    assert codes.tolist() == (np.arange(-16, 32) % DIRECTIONS).tolist()


@pytest.mark.parametrize(
    ("line", "direction"),
    [((20, 50, 80, 50), (1, 0)), ((50, 20, 50, 80), (0, 1)), ((20, 20, 80, 80), (1, 1))],
)
def test_points_lie_on_the_stroke_and_know_its_direction(
    line: tuple[int, int, int, int], direction: tuple[int, int]
) -> None:
    strokes = trace(drawing(line))
    used = strokes.weights > 0
    assert strokes.weights.sum() == pytest.approx(1)
    cosines = strokes.directions[used] @ np.array(direction) / np.linalg.norm(direction)
    assert (np.abs(cosines) > 0.95).mean() > 0.9
    normal = np.array([direction[1], -direction[0]]) / np.linalg.norm(direction)
    assert np.abs((strokes.points[used] - line[:2]) @ normal).max() < 3
    along = strokes.points[used] @ np.array(direction)
    assert np.ptp(along) > 55


def test_the_field_is_the_distance_to_the_stroke_and_a_turn_counts() -> None:
    strokes = trace(drawing((20, 50, 84, 50)))  # ink in rows 49 to 51
    assert strokes.field.shape == (DIRECTIONS, 53, 53)
    column = 52 // FIELD_STEP
    for row in range(10, 95, FIELD_STEP):
        for code in range(DIRECTIONS):
            turned = 3.0 * min(code, DIRECTIONS - code)
            expected = max(0, abs(row - 50) - 1) + turned
            assert strokes.field[code, row // FIELD_STEP, column] == pytest.approx(expected, abs=0.01)


def test_of_two_strokes_the_nearer_one_counts_after_its_turn() -> None:
    field = trace(drawing((10, 20, 94, 20), (90, 40, 90, 100))).field
    # At (80, 60): 10 - 1 from the vertical stroke, 40 - 1 from the horizontal one.
    assert field[4, 30, 40] == pytest.approx(9)
    assert field[0, 30, 40] == pytest.approx(9 + 4 * 3)


def test_a_drawing_of_another_size_is_the_same_drawing() -> None:
    small, large = trace(drawing((20, 50, 80, 50))), trace(drawing((40, 100, 160, 100), side=210, width=6))
    for strokes in (small, large):
        centre = (strokes.points * strokes.weights[:, None]).sum(axis=0)
        np.testing.assert_allclose(centre, (50, 50), atol=1.5)
    assert np.abs(small.field - large.field).mean() < 1


def test_much_ink_is_thinned_out_and_a_dot_is_kept() -> None:
    full = trace(np.zeros((105, 105, 1), np.uint8))
    assert (full.weights > 0).all() and np.ptp(full.points[:, 1]) > 95
    dot = np.full((105, 105, 1), 255, np.uint8)
    dot[30, 60] = 0
    strokes = trace(dot)
    assert strokes.weights.tolist() == [1] + [0] * (POINTS - 1)
    np.testing.assert_allclose(strokes.points[0], (60, 30), atol=1)


def test_a_drawing_without_ink_has_no_weight_and_is_far_from_everything() -> None:
    strokes = trace(np.full((105, 105, 1), 255, np.uint8))
    assert not strokes.weights.any() and strokes.field.min() == 60


def test_colour_is_brightness() -> None:
    grey = drawing((20, 50, 80, 50))
    np.testing.assert_array_equal(trace(np.repeat(grey, 3, axis=2)).field, trace(grey).field)
