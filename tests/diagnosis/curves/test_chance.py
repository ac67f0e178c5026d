"""What chance alone does."""

from itertools import combinations

import numpy as np
import pytest

from dlpractice.diagnosis.curves.chance import chance_of_sharing, largest_by_chance


@pytest.mark.parametrize("sigma", [0.3, 0.8, 1.2])
def test_the_largest_of_many_is_seldom_larger(sigma: float) -> None:
    rows = np.exp(sigma * np.random.default_rng(0).normal(size=(2000, 100)))
    larger = [row.max() > largest_by_chance(row, 0.05) for row in rows[:500]]
    # The median and the spread are estimated from the same values, which costs some of the level.
    assert 0.01 < np.mean(larger) < 0.12
    assert largest_by_chance(np.zeros(5), 0.01) == 0


def test_sharing_by_counting_every_pick() -> None:
    first, total = {0, 1, 2}, 7
    picks = [set(pick) for pick in combinations(range(total), 4)]
    for second in ({0, 1, 2, 3}, {1, 2, 5, 6}, {3, 4, 5, 6}):
        as_many = sum(len(first & pick) >= len(first & second) for pick in picks)
        assert chance_of_sharing(first, second, total) == pytest.approx(as_many / len(picks))
