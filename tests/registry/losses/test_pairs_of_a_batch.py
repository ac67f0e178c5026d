"""Pairs of a batch against loops over its labels."""

import numpy as np
import pytest
import tensorflow as tf

from dlpractice.registry.objectives import average, match


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
