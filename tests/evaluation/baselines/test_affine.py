import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlpractice.evaluation.baselines.affine import alignment_costs, make_scorer
from dlpractice.evaluation.baselines.strokes import trace

SHAPES: list[list[tuple[float, float]]] = [
    [(20, 80), (50, 20), (80, 80), (35, 55), (65, 55)],
    [(20, 20), (20, 80), (80, 80), (80, 20)],
    [(20, 20), (80, 20), (20, 80), (80, 80)],
    [(50, 15), (50, 85), (20, 60), (80, 60)],
    [(20, 50), (50, 20), (80, 50), (50, 80), (20, 50)],
]


def drawing(
    shape: list[tuple[float, float]], matrix: object = ((1, 0), (0, 1)), shift: object = (0, 0)
) -> np.ndarray:
    points = (np.array(shape) - 50) @ np.array(matrix, float).T + 52 + np.array(shift, float)
    image = Image.new("L", (105, 105), 255)
    ImageDraw.Draw(image).line([tuple(point) for point in points.tolist()], fill=0, width=3, joint="curve")
    return np.asarray(image)[:, :, np.newaxis]


def turned(degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s], [s, c]])


WARPS = [
    (np.eye(2), (9, -12)),
    (0.7 * np.eye(2), (0, 0)),
    (turned(15), (3, 3)),
    (np.array([[1.15, 0], [0, 0.8]]), (0, 5)),
    (np.array([[1, 0.25], [0, 1]]), (-4, 0)),
    (turned(-10) @ np.array([[0.8, 0.15], [0, 1]]), (5, 5)),
]


@pytest.mark.parametrize("warp", WARPS)
def test_a_warped_drawing_is_most_like_its_original(warp: tuple[np.ndarray, object]) -> None:
    pixels = np.stack([drawing(shape) for shape in SHAPES] + [drawing(shape, *warp) for shape in SHAPES])
    scores = make_scorer(pixels)(np.arange(5, 10), np.arange(5)[:, np.newaxis])
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("warp", WARPS)
def test_what_is_left_after_the_warp_is_its_own_cost(warp: tuple[np.ndarray, object]) -> None:
    """Rotation and log stretch cost 80 a unit squared, log size 20.

    Aligned strokes add little: their directions are rounded, and one step in direction counts as 3 pixels.
    """
    matrix = np.asarray(warp[0])
    size = np.sqrt(np.linalg.det(matrix))
    rotation = np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])
    stretch = np.log(np.linalg.svd(matrix / size)[1][0])
    expected = 80 * (rotation**2 + stretch**2) + 20 * np.log(size) ** 2
    for shape in SHAPES:
        cost = alignment_costs([trace(drawing(shape))], [trace(drawing(shape, *warp))])[0, 0]
        assert cost < expected + 12


def test_a_drawing_costs_nothing_against_itself_and_little_where_it_is_moved() -> None:
    one = trace(drawing(SHAPES[0]))
    moved = trace(drawing(SHAPES[0], shift=(12, -9)))
    costs = alignment_costs([one], [one, moved, trace(drawing(SHAPES[1]))])[0]
    assert costs[0] < 2 and costs[1] < 4 and costs[2] > 15


def test_both_ways_cost_about_the_same() -> None:
    strokes = [trace(drawing(shape)) for shape in SHAPES]
    costs = alignment_costs(strokes, strokes)
    np.testing.assert_allclose(costs, costs.T, rtol=0.3, atol=1)


def test_a_part_is_not_the_whole() -> None:
    """One direction alone would forgive strokes that are missing."""
    part = trace(drawing(SHAPES[3][:2]))
    whole = trace(drawing(SHAPES[3]))
    assert alignment_costs([part], [whole])[0, 0] > 10
    assert alignment_costs([whole], [part])[0, 0] > 10


def test_of_several_shots_the_nearest_counts_and_many_queries_are_as_one_by_one() -> None:
    pixels = np.stack([drawing(shape, turned(angle)) for angle in (0, 5, 10, -5, -10) for shape in SHAPES])
    scorer = make_scorer(pixels)
    queries = np.arange(25)
    singles = scorer(queries, np.arange(5)[:, np.newaxis])
    np.testing.assert_allclose(
        singles, np.concatenate([scorer(queries[k : k + 1], np.arange(5)[:, None]) for k in queries])
    )
    pairs = scorer(queries, np.array([[0, 1], [2, 3]]))
    np.testing.assert_allclose(
        pairs, np.stack([singles[:, :2].max(axis=1), singles[:, 2:4].max(axis=1)], axis=1)
    )


def test_a_drawing_without_ink_is_infinitely_far() -> None:
    empty = np.full((105, 105, 1), 255, np.uint8)
    scores = make_scorer(np.stack([drawing(SHAPES[0]), empty, empty]))(np.array([0, 1]), np.array([[2], [0]]))
    assert scores[0, 0] == scores[1, 0] == scores[1, 1] == -np.inf
    assert scores[0, 1] > -2


def test_a_dot_and_a_straight_stroke_can_be_compared() -> None:
    dot = np.full((105, 105, 1), 255, np.uint8)
    dot[50:53, 50:53] = 0
    strokes = [trace(dot), trace(drawing([(20, 50), (80, 50)])), trace(drawing([(50, 20), (50, 80)]))]
    costs = alignment_costs(strokes, strokes)
    assert np.isfinite(costs).all()
    assert (costs.argmin(axis=1) == np.arange(3)).all()
