from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dlpractice.benchmark.device.timing import (
    Sampling,
    Timing,
    Watch,
    count_rounds,
    time_in_turn,
)


class Device:
    """A device whose calls take known times by the clock of the test, and are done only when waited for."""

    def __init__(self, seconds: list[float]) -> None:
        self.now, self.calls, self.waits = 0.0, 0, 0
        self._seconds = seconds
        self._queued = 0.0

    def call(self) -> int:
        self._queued += self._seconds[min(self.calls, len(self._seconds) - 1)]
        self.calls += 1
        return self.calls

    def synchronise(self, value: object) -> None:
        assert value == self.calls, "what is waited for is what the last call returned"
        self.now += self._queued
        self._queued = 0.0
        self.waits += 1

    def clock(self) -> float:
        return self.now

    def watch(self, at_least_seconds: float = 0.05) -> Watch:
        return Watch(
            self.call,
            synchronise=self.synchronise,
            at_least_seconds=at_least_seconds,
            clock=self.clock,
        )

    def time(self, repetitions: int, at_least_seconds: float = 0.05) -> Timing:
        return time_in_turn([self.watch(at_least_seconds)], repetitions)[0]


def test_a_steady_call_is_measured_exactly() -> None:
    timing = Device([1.0]).time(repetitions=5, at_least_seconds=0.05)
    assert timing.seconds == (1.0,) * 5
    assert timing.median == 1.0
    assert timing.rate(3.0)["ci95"] == [3.0, 3.0]
    assert timing.calls_per_repetition == 1


def test_compiling_and_warming_up_are_not_in_the_figures() -> None:
    device = Device([30.0, 8.0, 6.0, 4.0, 2.0])
    timing = device.time(repetitions=7)
    assert timing.first_call_seconds == 30.0
    assert timing.seconds == (2.0,) * 7
    assert timing.warmup_calls == 5, "four that got faster, and one that did not"
    assert device.calls == 1 + 5 + 7


def test_short_calls_are_made_in_a_row_and_waited_for_together() -> None:
    device = Device([0.5, 0.001])
    timing = device.time(repetitions=6, at_least_seconds=0.05)
    assert timing.calls_per_repetition == 50
    assert timing.seconds == pytest.approx([0.001] * 6)
    assert device.calls == 1 + timing.warmup_calls + 6 * 50
    assert device.waits < 20, "one wait for a row of calls"


def test_warming_up_ends_where_it_never_gets_calm() -> None:
    timing = Device([0.9**call for call in range(60)]).time(repetitions=5)
    assert timing.warmup_calls == 40
    assert len(timing.seconds) == 5


def test_short_calls_are_warm_only_when_two_looks_in_a_row_were_no_faster() -> None:
    # The second look is slower by chance; the clock speed rises after it.
    timing = Device([9.0, 0.2, 0.3, 0.1]).time(repetitions=5)
    assert timing.seconds == pytest.approx([0.1] * 5)
    assert timing.warmup_calls == 5


def test_figures_take_turns_so_that_a_slow_spell_spoils_a_few_repetitions_of_each() -> None:
    """For a while a machine takes three times as long. One figure after the other, the first would be wrong
    altogether."""

    class Machine:
        now = 0.0

        def take(self, seconds: float) -> None:
            self.now += seconds * (3 if 20.0 <= self.now < 32.0 else 1)

        def watch(self, seconds: float) -> Watch:
            return Watch(lambda: self.take(seconds), synchronise=lambda _: None, clock=lambda: self.now)

    machine = Machine()
    watches = [machine.watch(1.0), machine.watch(2.0)]
    first, second = time_in_turn(watches, 7)
    assert (first.median, second.median) == (1.0, 2.0)
    assert max(first.seconds) == 3.0 and max(second.seconds) == 6.0, "the spell was seen"


def test_repetitions_go_on_until_they_span_the_time_that_was_asked_for() -> None:
    device = Device([1.0])
    rounds: list[None] = []
    watch = device.watch()
    wanted = count_rounds([watch], Sampling(5, spread_seconds=9.5))
    timing = time_in_turn([watch], wanted, lambda: rounds.append(None))[0]
    assert timing.seconds == (1.0,) * 10
    assert len(rounds) == 10
    assert time_in_turn([], count_rounds([], Sampling(5, 9.5))) == []


def test_a_round_is_as_long_as_its_watches_together() -> None:
    first, second = Device([1.0]).watch(), Device([0.0, 0.025]).watch()
    assert (first.repetition_seconds, second.repetition_seconds) == pytest.approx((1.0, 0.05))
    assert count_rounds([first, second], Sampling(5, 21.0)) == 20
    assert count_rounds([first, second], Sampling(30, 21.0)) == 30
    assert count_rounds([second], Sampling(5, 3600.0)) == 200, "more would fill the result's file"


def test_where_time_is_short_there_are_fewer_rounds_but_as_many_as_an_interval_needs() -> None:
    watch = Device([1.0]).watch()
    sampling = Sampling(7, 20.0)
    assert [count_rounds([watch], sampling, seconds) for seconds in (99.0, 12.5, 1.0)] == [20, 12, 3]


def test_settings_hold_while_a_call_is_timed() -> None:
    entered: list[bool] = []
    inside = False

    @contextmanager
    def around() -> Iterator[None]:
        nonlocal inside
        inside = True
        yield
        inside = False

    watch = Watch(lambda: entered.append(inside), synchronise=lambda _: None, around=around)
    time_in_turn([watch], 5)
    assert all(entered) and not inside


def test_among_others_a_short_call_is_made_once_more_before_it_is_timed() -> None:
    """What ran in between took the place of its data in the caches."""

    class Cached:
        now, warm, untimed = 0.0, False, 0

        def call(self) -> None:
            self.now += 0.001 if self.warm else 0.5
            self.warm = True

        def other(self) -> None:
            self.now += 1.0
            self.warm = False

    machine = Cached()

    def watch(call: Callable[[], None]) -> Watch:
        return Watch(call, synchronise=lambda _: None, clock=lambda: machine.now)

    short, long = time_in_turn([watch(machine.call), watch(machine.other)], 5)
    assert short.seconds == pytest.approx([0.001] * 5)
    assert long.seconds == pytest.approx([1.0] * 5)


def test_a_rate_is_amount_by_time() -> None:
    timing = Timing(9.0, 3, 2, (1.0, 2.0, 4.0))
    row = timing.rate(8.0)
    assert (row["value"], row["mad"], row["n"]) == (4.0, 2.0, 3)
    assert row["samples"] == [8.0, 4.0, 2.0]
    low, high = row["ci95"]
    assert low < 2.0 and high > 8.0, "the other run's repetitions are as far apart"
    assert (row["first_call_seconds"], row["warmup_calls"], row["kind"]) == (9.0, 3, "measured")


def test_the_deviation_ignores_an_outlier() -> None:
    seconds = (1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 1000)
    assert Timing(9.0, 3, 2, seconds).rate(1.0)["mad"] == pytest.approx(1.0)
