import math

import numpy as np
import pytest

from dlpractice.statistics.clusters import choose_groups, variance_of_sum


def test_items_are_grouped_by_alphabet_and_those_of_one_alphabet_by_class() -> None:
    classes = ["A/1", "A/2", "B/1"]
    assert choose_groups(["A", "A", "B"], classes) == ("A", "A", "B")
    assert choose_groups(["A", "A", "A"], classes) == tuple(classes)
    assert choose_groups(["", ""], ["cat", "dog"]) == ("cat", "dog")


def test_the_variance_of_a_sum_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.random(100), [str(number) for number in rng.integers(0, 7, 100)]
    sums = [
        sum(value - values.mean() for value, group in zip(values, groups, strict=True) if group == name)
        for name in set(groups)
    ]
    assert variance_of_sum(values, groups) == (pytest.approx(7 / 6 * sum(s**2 for s in sums)), 7)


def test_groups_of_single_items_give_the_variance_of_independent_ones() -> None:
    values = np.random.default_rng(1).random(50)
    total, count = variance_of_sum(values, [str(number) for number in range(50)])
    assert (total, count) == (pytest.approx(50 * values.var(ddof=1)), 50)


def test_the_variance_between_groups_cannot_be_seen_in_one() -> None:
    assert variance_of_sum(np.array([0.0, 1.0]), ["a", "a"]) == (math.inf, 1)


def test_the_variance_between_two_groups_can_be_seen() -> None:
    assert variance_of_sum(np.array([0.0, 1.0, 1.0]), ["a", "b", "b"]) == (pytest.approx(16 / 9), 2)


def test_each_item_needs_a_group() -> None:
    with pytest.raises(ValueError, match="a group for each of 3 items; got 2"):
        variance_of_sum(np.zeros(3), ["a", "b"])
