"""What is sent, and that reading ahead changes neither order nor errors."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from dlpractice.training.batches.supply import Streamed, Subset, read_ahead

ROWS = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), np.uint8)


def test_bytes_are_sent_and_floats_are_received() -> None:
    supply, asked = Streamed(ROWS), np.array([7, 0, 7])
    (sent,) = supply.send(asked)
    assert sent.dtype == np.uint8 and (len(supply), supply.row_shape) == (9, (4, 4, 3))
    received = np.asarray(supply.receive(sent))
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, ROWS[asked])


def test_halves_stay_halves() -> None:
    (sent,) = Streamed(ROWS.astype(np.float16)).send(np.array([1]))
    assert Streamed(ROWS).receive(sent).dtype == np.float16


def test_a_subset_has_its_rows_in_its_order() -> None:
    subset = Subset(Streamed(ROWS), np.array([8, 3, 5]))
    assert (len(subset), subset.row_shape) == (3, (4, 4, 3))
    np.testing.assert_array_equal(subset.send(np.array([2, 0]))[0], ROWS[[5, 8]])


def test_reading_ahead_keeps_the_order_and_reads_two_ahead() -> None:
    read: list[int] = []
    third_read = threading.Event()

    def items() -> Iterator[int]:
        for number in range(6):
            read.append(number)
            if number == 2:
                third_read.set()
            yield number

    ahead = read_ahead(items())
    assert next(ahead) == 0
    assert third_read.wait(10)  # while the first one is still worked with
    assert read == [0, 1, 2]
    assert list(ahead) == [1, 2, 3, 4, 5]
    assert list(read_ahead([])) == []


def test_an_error_comes_where_it_was_made() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("unreadable")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="unreadable"):
        next(ahead)


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    ahead = read_ahead(range(100))
    next(ahead)
    assert threading.active_count() == before + 1
    ahead.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
