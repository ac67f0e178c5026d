import numpy as np
import pytest
from scipy.spatial import KDTree

from dlpractice.evaluation.baselines.hausdorff import centred_ink, hausdorff, ink, make_scorer


def drawing(points: list[tuple[int, int]], side: int = 20) -> np.ndarray:
    pixels = np.full((side, side, 1), 255, np.uint8)
    for row, column in points:
        pixels[row, column] = 0
    return pixels


def naive(a: np.ndarray, b: np.ndarray) -> float:
    """In words: for each point the nearest of the other drawing, the mean of these, the larger mean."""
    there = np.mean([min(np.hypot(*(p - q)) for q in b) for p in a])
    back = np.mean([min(np.hypot(*(p - q)) for p in a) for q in b])
    return float(max(there, back))


def test_against_a_loop_over_points() -> None:
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((8, 15, 15, 1)) < 0.1, 0, 255).astype(np.uint8)
    queries, supports = np.array([0, 1, 2]), np.array([[3, 4], [5, 6]])
    scores = make_scorer(pixels)(queries, supports)
    points = [centred_ink(image) for image in pixels]
    for q in range(3):
        for s in range(2):
            expected = min(naive(points[queries[q]], points[k]) for k in supports[s])
            assert scores[q, s] == pytest.approx(-expected, abs=1e-12)


def test_by_hand() -> None:
    # A stroke of two points one apart, and one of three points two apart: centred, -0.5 0.5 and -2 0 2.
    short, long = drawing([(5, 5), (5, 6)]), drawing([(9, 2), (9, 4), (9, 6)])
    a, b = KDTree(centred_ink(short)), KDTree(centred_ink(long))
    assert hausdorff(a, b) == hausdorff(b, a) == pytest.approx((1.5 + 0.5 + 1.5) / 3)


def test_where_a_drawing_stands_does_not_matter() -> None:
    strokes = [(3, 4), (4, 4), (5, 6)]
    moved = [(row + 7, column + 2) for row, column in strokes]
    pixels = np.stack([drawing(strokes), drawing(moved), drawing([(3, 4), (9, 4)])])
    scores = make_scorer(pixels)(np.array([0]), np.array([[1], [2]]))
    assert scores[0, 0] == pytest.approx(0, abs=1e-12) and scores[0, 1] < -1


def test_a_drawing_without_ink_is_infinitely_far() -> None:
    pixels = np.stack([drawing([(1, 1)]), drawing([]), drawing([])])
    scores = make_scorer(pixels)(np.array([0, 1]), np.array([[2]]))
    assert scores.tolist() == [[-np.inf], [-np.inf]]


def test_ink_is_what_is_dark() -> None:
    grey = np.array([0, 127, 128, 255], np.uint8).reshape(1, 2, 2, 1)
    assert ink(grey).ravel().tolist() == [True, True, False, False]
    assert ink(np.array([[[0, 0, 255]]], np.uint8)).tolist() == [[True]]
