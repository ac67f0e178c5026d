"""Signals that this process sends itself."""

import os
import signal
import threading
from typing import Any

import pytest

from dlpractice.training.interruption import deferring_interrupts, interruptible, let_signals_kill

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


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


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_interrupts_as_ctrl_c_does(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
        pytest.fail("the signal passed unnoticed")
    assert signal.getsignal(number) is before


def test_an_interrupt_that_a_library_made_another_error_of_is_one_again() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("a module that was half imported") from None
    with pytest.raises(ImportError, match="absent"), interruptible():
        raise ImportError("absent")


def test_training_inside_a_command_notes_first(kept_signals: None) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        with deferring_interrupts() as interrupted:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupted()
        os.kill(os.getpid(), signal.SIGHUP)
        pytest.fail("the signal passed unnoticed")


@pytest.mark.parametrize("block", [interruptible, deferring_interrupts])
def test_a_signal_that_is_ignored_stays_so(block: Any, kept_signals: None) -> None:
    """Under `nohup`, or in the background of a script."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with block():
        os.kill(os.getpid(), signal.SIGHUP)
    let_signals_kill()
    os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
