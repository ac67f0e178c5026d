"""Gradients through a piece of a net against a derivative by hand."""

import keras
import numpy as np

from dlpractice.benchmark.parallel.gradients import pull_back


def test_a_product_by_hand_and_zeros_where_nothing_depends() -> None:
    """y = x w: with back g, the gradient of x is g w and that of w the sum of g x."""
    weight, unused = keras.Variable([2.0, 3.0]), keras.Variable([1.0])
    x = keras.ops.convert_to_tensor(np.asarray([[1.0, 2.0], [3.0, 4.0]], np.float32))
    back = keras.ops.convert_to_tensor(np.asarray([[1.0, 1.0], [0.0, 10.0]], np.float32))
    other = keras.ops.ones((2,))
    values, variables = pull_back(lambda inputs: [inputs[0] * weight], [x, other], [weight, unused], [back])
    found = [keras.ops.convert_to_numpy(one).tolist() for one in (*values, *variables)]
    assert found == [[[2, 3], [0, 30]], [0, 0], [1, 42], [0]]
