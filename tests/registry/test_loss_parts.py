"""Pairs of a batch against loops over its labels."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import tensorflow as tf

from dlpractice.layers.similarity import Similarity
from dlpractice.registry.loss_parts import (
    average,
    match,
    measure_angle,
    measure_distance,
    measure_unit_distance,
    weigh_differences,
)


def test_no_example_is_paired_with_itself() -> None:
    labels = [3, 1, 3, 2, 3]
    same, different = match(tf.constant(labels))
    for i, first in enumerate(labels):
        for j, second in enumerate(labels):
            assert bool(same[i, j]) == (i != j and first == second)
            assert bool(different[i, j]) == (first != second)


def test_the_average_is_over_what_the_mask_shows() -> None:
    values = tf.constant([[1.0, 2.0], [np.inf, 4.0], [5.0, np.nan]])
    mask = tf.constant([[True, True], [False, True], [False, False]])
    assert float(average(values, mask)) == pytest.approx((1 + 2 + 4) / 3)
    np.testing.assert_array_equal(average(values, mask, axis=1), [1.5, 4, 0])


@pytest.mark.parametrize("build", [weigh_differences, measure_distance, measure_unit_distance, measure_angle])
def test_twins_are_the_most_alike(build: Callable[[Mapping[str, float]], Similarity]) -> None:
    similarity = build({"temperature": 0.5})
    assert similarity.name == "similarity"
    first, other = tf.constant([[3.0, 0.0]]), tf.constant([[0.0, 1.0]])
    assert float(similarity([first, first])[0]) > float(similarity([first, other])[0])


def test_what_each_likeness_measures() -> None:
    first, other = tf.constant([[3.0, 0.0]]), tf.constant([[0.0, 1.0]])
    assert float(measure_distance({})([first, other])[0]) == pytest.approx(-10)
    assert float(measure_unit_distance({})([first, other])[0]) == pytest.approx(-2)
    assert float(measure_angle({"temperature": 0.5})([first, first])[0]) == pytest.approx(2)
