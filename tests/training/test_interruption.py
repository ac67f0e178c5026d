"""Signals that this process sends itself."""

import os
import signal
import threading

import pytest

from dlpractice.training.interruption import deferring_interrupts

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted(number: int) -> None:
    reached = False
    with deferring_interrupts() as interrupted:
        assert not interrupted()
        os.kill(os.getpid(), number)
        reached = True
        assert interrupted()
    assert reached


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_second_interrupts_at_once(first: int, second: int) -> None:
    with pytest.raises(KeyboardInterrupt), deferring_interrupts():
        os.kill(os.getpid(), first)
        os.kill(os.getpid(), second)
        pytest.fail("the second signal passed unnoticed")


def test_the_handlers_are_given_back_even_after_an_error() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with deferring_interrupts():
        assert not set(before) & {signal.getsignal(number) for number in SIGNALS}
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(ZeroDivisionError), deferring_interrupts():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_each_block_counts_afresh() -> None:
    for _ in range(2):
        with deferring_interrupts() as interrupted:
            assert not interrupted()
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupted()


def test_off_the_main_thread_signals_stay_as_they_are() -> None:
    seen: list[object] = []
    before = signal.getsignal(signal.SIGINT)

    def work() -> None:
        with deferring_interrupts() as interrupted:
            seen.extend([signal.getsignal(signal.SIGINT), interrupted()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before, False]
