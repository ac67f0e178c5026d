import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from dlpractice.benchmark.device import steadiness
from dlpractice.benchmark.device.steadiness import Reference, Steadiness, make_references
from dlpractice.statistics.quantiles import Z95, student_quantile

Times = namedtuple("Times", "user system idle iowait steal")


class Machine:
    """Calls that take a second each by its clock, times `slowness`."""

    def __init__(self) -> None:
        self.now, self.slowness = 0.0, 1.0

    def call(self) -> None:
        self.now += self.slowness

    def watch(self, *names: str) -> Steadiness:
        made = [Reference(name, "GB/s", 10.0, self.call, lambda _: None) for name in names]
        return Steadiness(made, clock=lambda: self.now)


def test_drift_is_how_a_reference_differs_from_look_to_look() -> None:
    machine = Machine()
    steady = machine.watch("product", "copy")
    for slowness in (1.0, 2.0, 4.0):
        machine.slowness = slowness
        steady.look()
    few = student_quantile(2) / Z95
    assert steady.drift("copy") == pytest.approx(few * np.std(np.log([1, 2, 4]), ddof=1))
    document = steady.to_json()
    assert [one["name"] for one in document["references"]] == ["product", "copy"]
    assert document["references"][0]["drift"] == steady.drift("product")
    assert document["references"][0]["values"] == [10.0, 5.0, 2.5]
    assert document["references"][0]["range"] == [0.5, 2.0]
    assert any("drifted" in said and "0.50 to 2.00" in said for said in document["warnings"])


def test_few_looks_tell_no_drift_and_looks_in_passing_are_apart() -> None:
    machine = Machine()
    steady = machine.watch("product")
    steady.look_in_passing()
    steady.look_in_passing()
    assert steady.drift("product") is None and len(steady.to_json()["references"][0]["values"]) == 1
    machine.now += 10.0
    steady.look_in_passing()
    steady.look()
    assert steady.drift("product") == pytest.approx(0.0)
    assert not any("drifted" in said for said in steady.to_json()["warnings"])


@pytest.mark.parametrize(
    ("load", "spent", "said"),
    [
        (9.0, Times(0, 0, 200, 0, 0), "the load was 9.0 on 2 cores"),
        (0.5, Times(120, 0, 80, 0, 0), "other programs took 60% of the processors' time"),
        (0.5, Times(0, 0, 140, 0, 60), "30% of the processors' time to its other guests"),
        (0.5, Times(0, 0, 190, 10, 0), None),
    ],
)
def test_who_else_uses_the_processors_is_said(
    load: float, spent: Times, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([Times(0, 0, 0, 0, 0), spent])
    monkeypatch.setattr(steadiness.psutil, "cpu_times", lambda: next(answers))
    monkeypatch.setattr(steadiness.psutil, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(steadiness, "usable_cores", lambda: 2.0)
    monkeypatch.setattr(steadiness, "_own_seconds", lambda: 0.0)
    warnings: list[Any] = Machine().watch("product").to_json()["warnings"]
    assert [said in one for one in warnings] == [True] if said else warnings == []


def test_the_time_that_this_process_takes_is_not_that_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Times(0, 0, 0, 0, 0), Times(120, 0, 80, 0, 0)])
    monkeypatch.setattr(steadiness.psutil, "cpu_times", lambda: next(answers))
    own = iter([5.0, 115.0])
    monkeypatch.setattr(steadiness, "_own_seconds", lambda: next(own))
    assert Machine().watch("product").to_json()["others_share"] == pytest.approx(10 / 200)


def test_the_references_of_this_machine_are_measured() -> None:
    watched = Steadiness(make_references())
    watched.look()
    for one in watched.to_json()["references"]:
        assert all(value > 0 and math.isfinite(value) for value in one["values"])
