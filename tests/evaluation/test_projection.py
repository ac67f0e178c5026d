import numpy as np
import pytest

from dlpractice.evaluation.projection import project


def test_groups_stay_together_and_the_seed_decides() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    embeddings = (10 * rng.normal(size=(3, 64))[labels] + rng.normal(size=(60, 64))).astype(np.float32)
    points = project(embeddings, seed=0)
    assert points.shape == (60, 2) and points.dtype == np.float32
    distances = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(60)
    assert (labels[distances.argmin(axis=1)] == labels).all()
    assert (project(embeddings, seed=0) == points).all()
    assert (project(embeddings, seed=1) != points).any()


@pytest.mark.parametrize("shape", [(4, 8), (7, 1), (60, 2)])
def test_few_points_and_few_dimensions(shape: tuple[int, int]) -> None:
    points = project(np.random.default_rng(0).normal(size=shape), seed=0)
    assert points.shape == (shape[0], 2) and np.isfinite(points).all()


def test_a_collapsed_network_is_one_point() -> None:
    assert not project(np.ones((10, 4)), seed=0).any()


@pytest.mark.parametrize("shape", [(3, 8), (8,)])
def test_what_cannot_be_projected(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="N >= 4"):
        project(np.ones(shape), seed=0)
