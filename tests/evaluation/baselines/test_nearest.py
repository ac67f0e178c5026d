import numpy as np
import pytest

from dlpractice.evaluation.baselines.nearest import make_scorer


@pytest.mark.parametrize(("channels", "shots"), [(1, 1), (3, 2)])
def test_scores_against_a_loop(channels: int, shots: int) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 7, 7, channels), np.uint8)
    queries, supports = np.arange(4), rng.permutation(np.arange(4, 20))[: 5 * shots].reshape(5, shots)
    scores = make_scorer(pixels)(queries, supports)
    scaled = pixels / 255
    expected = [
        [-min(np.sqrt(((scaled[q] - scaled[s]) ** 2).sum()) for s in row) for row in supports]
        for q in queries
    ]
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_equal_drawings_are_at_distance_zero_and_equally_far_ones_tie() -> None:
    pixels = np.full((4, 105, 105, 1), 255, np.uint8)
    pixels[:2, 30:60, 30:60] = 0
    pixels[2, 30:60, 30:61] = 0
    pixels[3, 30:60, 29:60] = 0
    scores = make_scorer(pixels)(np.array([0]), np.array([[1], [2], [3]]))
    assert scores[0, 0] == 0
    assert scores[0, 1] == scores[0, 2] == pytest.approx(-np.sqrt(30))
