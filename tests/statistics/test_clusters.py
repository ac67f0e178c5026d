import math

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import norm
from scipy.stats import t as student

from dlpractice.statistics.clusters import (
    choose_crossed,
    choose_groups,
    effective_number,
    join_groups,
    variance_of_sum,
)


def test_items_are_grouped_by_alphabet_and_those_of_one_alphabet_by_class() -> None:
    classes = ["A/1", "A/2", "B/1"]
    assert choose_groups(["A", "A", "B"], classes) == ("A", "A", "B")
    assert choose_groups(["A", "A", "A"], classes) == tuple(classes)
    assert choose_groups(["", ""], ["cat", "dog"]) == ("cat", "dog")


def test_drawers_count_where_they_run_across_classes() -> None:
    assert choose_crossed(["A", "A"], ["x", "y"]) == ("x", "y")
    for alphabets, drawers in ((["A", "B"], ["x", "y"]), (["A", "A"], ["x", ""]), (["A", "A"], ["x", "x"])):
        assert choose_crossed(alphabets, drawers) == ()


def test_the_effective_number_is_that_of_the_kind_that_matters_more() -> None:
    rng = np.random.default_rng(4)
    rows, columns = np.divmod(np.arange(200), 10)
    values = (rng.random(200) < np.repeat(rng.random(10)[None], 20, axis=0).ravel()).astype(float)
    one, other = (effective_number(values, kind.tolist()) for kind in (rows, columns))
    assert other < 0.5 * one
    assert effective_number(values, rows.tolist(), crossed=columns.tolist()) == other
    assert effective_number(values, columns.tolist(), crossed=rows.tolist(), distinct=5) <= 5


def test_what_shares_a_key_is_joined_directly_or_through_others() -> None:
    bytes_of = ["x", "y", "x", "z", "", "", "w"]
    groups = ["", "1", "1", None, None, "2", "2"]
    assert join_groups(bytes_of, groups) == [0, 0, 0, 3, 4, 5, 5]
    assert join_groups([]) == []


def test_joined_groups_are_the_components_of_a_graph() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 5, 40, 200):
        keys = [rng.integers(0, size, size).tolist() for _ in range(2)]
        links = [
            (one, other)
            for names in keys
            for one in range(size)
            for other in range(one)
            if names[one] and names[one] == names[other]
        ]
        first, second = np.array(links, np.int64).reshape(-1, 2).T
        graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
        _, component = connected_components(graph, directed=False)
        smallest = [component.tolist().index(number) for number in component]
        assert join_groups(*keys) == smallest


def test_the_effective_number_lies_between_the_groups_and_the_items() -> None:
    """Random values and groups: at least what the groups are worth, at most all items, and more if less
    certain quantiles are asked for."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        n = int(rng.integers(1, 60))
        values = rng.integers(0, 3, n) / 2
        groups = rng.integers(0, rng.integers(1, 20), n).astype(str).tolist()
        sizes = np.unique(groups, return_counts=True)[1]
        number = effective_number(values, groups, unseen=float(rng.integers(0, 2)))
        assert n**2 / (sizes**2).sum() <= number * (1 + 1e-12) and number <= n
        assert effective_number(values, groups, z=3.0) <= effective_number(values, groups) * (1 + 1e-12)


def test_the_effective_number_of_alike_and_of_unlike_groups() -> None:
    alike = np.repeat([1.0, 0.0, 1.0, 1.0, 0.0], 8)
    groups = np.repeat(list("abcde"), 8).tolist()
    assert effective_number(alike, groups) == pytest.approx(5)
    assert effective_number(np.ones(40), groups) == pytest.approx(5)
    unlike = np.tile([1.0, 0.0], 20)  # every group has as many of each: no more variance than chance gives
    assert effective_number(unlike, groups) == pytest.approx(
        40 * (norm.ppf(0.975) / student.ppf(0.975, 4)) ** 2
    )
    assert effective_number(unlike, groups, distinct=20) == pytest.approx(
        20 * (norm.ppf(0.975) / student.ppf(0.975, 4)) ** 2
    )


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
