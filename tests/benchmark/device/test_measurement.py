import pytest

from dlpractice.benchmark.device import measurement
from dlpractice.benchmark.device.measurement import Figure, measure_in_turn
from dlpractice.benchmark.device.timing import Sampling, Watch

SAMPLING = Sampling(5)


class Machine:
    """Calls that take a second by its clock, warm after four; those in `greedy` run out of memory then."""

    def __init__(self, *greedy: str) -> None:
        self.now, self.greedy, self.made = 0.0, greedy, []  # type: float, tuple[str, ...], list[str]

    def figure(self, name: str, amount: float = 2.0) -> Figure:
        def call() -> None:
            self.now += 1.0
            self.made.append(name)
            if name in self.greedy and self.made.count(name) > 4:
                raise MemoryError

        watch = Watch(call, synchronise=lambda _: None, clock=lambda: self.now)
        return Figure(name, "images/s", amount, watch, notes={"how": "by hand"})


def test_a_row_has_the_rate_and_the_notes() -> None:
    (row,) = measure_in_turn([Machine().figure("a")], SAMPLING)
    assert (row["name"], row["value"], row["unit"], row["n"]) == ("a", 2.0, "images/s", 5)
    assert (row["kind"], row["how"]) == ("measured", "by hand")


def test_what_is_not_measured_keeps_its_place_and_says_why() -> None:
    machine = Machine()
    rows = measure_in_turn(
        [machine.figure("a"), Figure("b", "GB/s", why="no such memory"), machine.figure("c")], SAMPLING
    )
    assert [row["name"] for row in rows] == ["a", "b", "c"]
    assert rows[1] == {
        "name": "b",
        "value": None,
        "unit": "GB/s",
        "kind": "measured",
        "why": "no such memory",
    }
    assert machine.made[-4:] == ["a", "c", "a", "c"], "in turn"


def test_where_memory_runs_out_the_last_is_given_up() -> None:
    started: list[int] = []
    machine = Machine("b", "c")
    made = [machine.figure(name) for name in "abc"]
    rows = measure_in_turn(made, SAMPLING, starting=started.append)
    assert [row["value"] for row in rows] == [2.0, None, None]
    assert rows[1]["why"] == rows[2]["why"] == measurement.RAN_OUT
    assert started == [5, 5, 5]


def test_nothing_at_all_is_no_row_and_another_error_is_raised() -> None:
    assert measure_in_turn([], SAMPLING) == []

    def call() -> None:
        if is_warm:
            raise ZeroDivisionError

    is_warm = False
    watch = Watch(call, synchronise=lambda _: None)
    is_warm = True
    with pytest.raises(ZeroDivisionError):
        measure_in_turn([Figure("a", "images/s", 1.0, watch)], SAMPLING)
