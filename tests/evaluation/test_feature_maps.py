"""Local alignment against a loop over places, and against what it is for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.evaluation.feature_maps import make_scorer

MAPS: NDArray[np.float64] = np.random.default_rng(0).uniform(0, 1, (6, 3, 4, 2))


def by_hand(first: NDArray[np.float64], second: NDArray[np.float64], reach: int) -> float:
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    total = 0.0
    for a, b in ((first, second), (second, first)):
        for y, x in np.ndindex(3, 4):
            near = [
                float(a[y, x] @ b[v, u])
                for v, u in np.ndindex(3, 4)
                if abs(v - y) <= reach and abs(u - x) <= reach
            ]
            total += max(near)
    return total / 2


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_scores_are_those_of_a_loop_over_places(reach: int) -> None:
    scores = make_scorer(MAPS, reach)(np.array([0, 1]), np.array([[2], [3], [4]]))
    wanted = [[by_hand(MAPS[q], MAPS[s], reach) for s in (2, 3, 4)] for q in (0, 1)]
    np.testing.assert_allclose(scores, wanted, rtol=1e-12)


def test_no_reach_is_the_cosine() -> None:
    flat = MAPS.reshape(6, -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    scores = make_scorer(MAPS, 0)(np.array([0]), np.array([[1], [2]]))
    np.testing.assert_allclose(scores, flat[:1] @ flat[1:3].T, rtol=1e-12)


def test_it_is_symmetric() -> None:
    score = make_scorer(MAPS, 1)
    there, back = score(np.array([0]), np.array([[1], [2]])), score(np.array([1]), np.array([[0], [2]]))
    assert there[0, 0] == pytest.approx(back[0, 0], rel=1e-12)


def test_a_stroke_that_moved_by_one_place_is_found_again() -> None:
    maps = np.zeros((3, 4, 4, 2))
    maps[0, 1, 1, 0] = maps[1, 2, 1, 0] = maps[2, 1, 1, 1] = 1  # moved; the same place, but another feature
    scores = {
        reach: make_scorer(maps, reach)(np.array([0]), np.array([[1], [2]]))[0].tolist() for reach in (0, 1)
    }
    assert scores == {0: [0.0, 0.0], 1: [1.0, 0.0]}


def test_shots_are_averaged() -> None:
    score = make_scorer(MAPS, 1)
    single = score(np.array([0]), np.array([[1], [2]]))
    np.testing.assert_allclose(score(np.array([0]), np.array([[1, 2], [3, 4]]))[0, 0], single.mean())
