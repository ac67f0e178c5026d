import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.spatial.distance import cdist

from dlpractice.data.sets.glyphs.pen import PAPER, SIDE, SPACING, STEP, draw, touches, trace

ZIGZAG = np.array([[20, 20], [50, 25], [80, 20], [60, 55], [30, 80], [80, 85]], np.float64)
NO_CORNERS = np.zeros(len(ZIGZAG), bool)


def curve(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """A dense uniform cubic B-spline, by scipy."""
    spline = BSpline(np.arange(len(knots) + 4), knots, 3)
    return np.asarray(spline(np.linspace(3, len(knots), 4000, endpoint=False)))


def naive_draw(points: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    paper = np.full((SIDE, SIDE), float(PAPER))
    for row in range(SIDE):
        for column in range(SIDE):
            distance = min(np.hypot(column + 0.5 - x, row + 0.5 - y) for x, y in points)
            paper[row, column] -= PAPER * np.clip(radius + 0.5 - distance, 0, 1)
    return paper


def test_the_pen_follows_a_cubic_spline() -> None:
    control = np.stack([ZIGZAG, ZIGZAG[::-1] * 0.5])
    traced = trace(control, NO_CORNERS, np.zeros(2))
    for points, places in zip(traced, control, strict=True):
        knots = np.concatenate([places[:1]] * 2 + [places] + [places[-1:]] * 2)
        distances = cdist(points, curve(knots))
        assert distances.min(axis=1).max() < 0.05, "every touch lies on the curve"
        assert distances.min(axis=0).max() < STEP, "and every place of the curve is touched"


def test_touches_are_at_most_a_step_apart() -> None:
    traced = trace(np.stack([ZIGZAG, ZIGZAG * 1.2]), NO_CORNERS, np.array([0.0, 0.5]))
    assert np.linalg.norm(np.diff(traced, axis=1), axis=2).max() <= STEP


def test_ends_and_corners_are_passed_and_haste_cuts_corners() -> None:
    corners = np.array([True, False, True, False, False, True])
    traced = trace(np.stack([ZIGZAG] * 3), corners, np.array([0.0, 0.25, 0.5]))
    missed = np.linalg.norm(traced - ZIGZAG[2], axis=2).min(axis=1)
    assert missed[0] < 1e-9 < 1 < missed[1] < missed[2]
    np.testing.assert_allclose(traced[:, 0], [ZIGZAG[0]] * 3)
    np.testing.assert_allclose(traced[:, -1], [ZIGZAG[-1]] * 3)


def test_touches_are_spread_along_the_way_whatever_the_speed() -> None:
    slow, fast = np.linspace(10, 90, 161), np.linspace(10, 90, 161) ** 2 / 90
    paths = np.stack([np.stack([x, np.full(161, 50.0)], axis=1) for x in (slow, fast)])
    touched = touches(paths)
    assert touched[:, 0].all()
    for path, chosen in zip(paths, touched, strict=True):
        gaps = np.diff(path[chosen, 0])
        assert gaps.max() < SPACING + STEP + 0.3
        assert gaps.mean() == pytest.approx(SPACING, rel=0.03)


def test_two_control_points_are_a_straight_line() -> None:
    ends = np.array([[[10.0, 20.0], [70.0, 50.0]]])
    traced = trace(ends, np.array([True, True]), np.array([0.5]))[0]
    np.testing.assert_allclose((traced[:, 1] - 20) * 2, traced[:, 0] - 10, atol=1e-9)


def test_ink_is_what_a_round_pen_leaves() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-2, SIDE + 2, (20, 2))
    drawings = np.arange(20) % 3 // 2
    radii = np.array([1.3, 2.5])
    drawn = draw(points, drawings, radii)
    assert drawn.dtype == np.uint8 and drawn.shape == (2, SIDE, SIDE)
    for number, (image, radius) in enumerate(zip(drawn, radii, strict=True)):
        np.testing.assert_allclose(image, naive_draw(points[drawings == number], radius), atol=1.01)


def test_a_line_is_as_wide_as_the_pen() -> None:
    points = np.stack([np.linspace(20, 80, 200), np.full(200, 52.5)], axis=1)
    column = draw(points, np.zeros(200, np.int64), np.array([2.5]))[0][:, 50]
    assert (PAPER - column.astype(float)).sum() / PAPER == 5.0


def test_what_lies_off_the_paper_is_lost() -> None:
    far = np.array([[-50.0, 50.0], [50.0, 1e6], [SIDE + 4.0, 50.0], [50.0, -4.0]])
    assert (draw(far, np.zeros(4, np.int64), np.array([3.0])) == PAPER).all()
