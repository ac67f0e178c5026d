"""Rows that the devices hold: which fit, that each is held once, and that they are the same rows.

Two devices are tried in tests/training/devices/test_placement.py.
"""

import keras
import numpy as np

from dlpractice.training.batches.feed import Feed
from dlpractice.training.batches.residence import Residence, Resident, open_residence
from dlpractice.training.batches.supply import Streamed, Subset
from dlpractice.training.devices.placement import place
from dlpractice.training.forward import compile_forward, forward_all

ROWS = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), np.uint8)


def test_rows_are_held_as_long_as_there_is_room() -> None:
    residence = Residence(place(1), room=2 * ROWS.nbytes - 1)
    held, streamed = residence.supply(ROWS), residence.supply(ROWS.copy())
    assert isinstance(held, Resident) and isinstance(streamed, Streamed)
    assert residence.supply(ROWS) is held and residence.room == ROWS.nbytes - 1
    assert isinstance(residence.supply(ROWS[:19]), Resident)
    assert isinstance(residence.supply(ROWS[:0]), Streamed)


def test_of_a_row_that_is_held_only_its_number_is_sent() -> None:
    held, asked = Residence(place(1), ROWS.nbytes).supply(ROWS), np.array([7, 0, 19, 7])
    (sent,) = held.send(asked)
    assert (sent.dtype, sent.shape) == (np.int32, (4,))
    assert (len(held), held.row_shape) == (20, (4, 4, 3))
    received = np.asarray(held.receive(sent))
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, ROWS[asked])


def test_a_net_and_a_feed_see_the_same_rows_whether_held_or_not() -> None:
    inputs = keras.Input((4, 4, 3))
    forward = compile_forward(keras.Model(inputs, keras.layers.Flatten()(inputs) * 2.0), place(1))
    held, numbers = Residence(place(1), ROWS.nbytes).supply(ROWS), np.array([3, 3, 17, 0, 9])
    np.testing.assert_array_equal(
        forward_all(forward, Subset(held, numbers), 2), ROWS[numbers].reshape(5, -1) * 2.0
    )
    feeds = [
        Feed(supply, np.arange(20) % 2, np.ones(2, np.float32), 7, seed=1)
        for supply in (held, Streamed(ROWS))
    ]
    for ours, theirs in zip(*(feed.batches(0) for feed in feeds), strict=True):
        for one, other in zip(feeds[0].prepare(*ours), feeds[1].prepare(*theirs), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_cpu_holds_nothing_twice() -> None:
    assert isinstance(open_residence(place(["CPU:0"]), 0.9).supply(ROWS), Streamed)
