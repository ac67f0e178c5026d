"""Clocks that jump, stand in another century, or give files dates to come."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from harness.case import ERROR, SAME, Case, Outcome
from harness.commands import Command, compare, finetune_full, finish, oneshot_supcon
from harness.program import Setup, run
from harness.samples import link_all
from harness.strikes import strike_at_change

_DAY = 86_400.0
_YEARS = 365.25 * _DAY


def _set_clock(shift: Callable[[float, int], float]) -> Setup:
    """From now on the wall clock shows `shift(seconds, n)` at its n-th reading; the one that only runs on, as
    time-outs use it, stays."""

    def prepare() -> None:
        real, readings = time.time, 0

        def shifted() -> float:
            nonlocal readings
            readings += 1
            return shift(real(), readings)

        time.time = shifted

    return prepare


_CLOCKS: dict[str, Callable[[float, int], float]] = {
    "jumps a day to and fro": lambda now, reading: now + _DAY * (-1) ** reading,
    "runs backwards": lambda now, reading: now - 60.0 * reading,
    "jumps an hour ahead, once": lambda now, reading: now + 3600.0 * (reading > 20),
    "stands still": lambda now, reading: 1.7e9,
    "shows 1970": lambda now, reading: 1000.0 + reading,
    "shows 2110": lambda now, reading: now + 85 * _YEARS,
}


def _train(command: Command, samples: Path, clock: str, folder: Path) -> Outcome:
    """The whole run under this clock."""
    link_all(folder, samples)
    ended = run(folder, command.arguments, command.setup(_set_clock(_CLOCKS[clock])))
    return compare(command, folder, samples, ended)


def _resume_later(command: Command, samples: Path, clock: str, folder: Path) -> Outcome:
    """Killed under the right clock, and taken up under this one."""
    link_all(folder, samples)
    run(folder, command.arguments, command.setup(strike_at_change(folder, 60)))
    ended = run(folder, command.go(folder), command.setup(_set_clock(_CLOCKS[clock])))
    return compare(command, folder, samples, ended)


def _date_files(command: Command, samples: Path, date: float, folder: Path) -> Outcome:
    """All files of a killed run, its cache and data are dated so; then it goes on."""
    link_all(folder, samples)
    run(folder, command.arguments, command.setup(strike_at_change(folder, 60)))
    for place in (folder / "run", folder / "cache"):
        for entry in (place, *place.rglob("*")):
            os.utime(entry, (date, date))
    return finish(command, folder, samples)


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Each clock for whole and for resumed runs, and dates of files."""
    full = finetune_full(samples)
    if short:
        return
    for command in (full, oneshot_supcon()):
        for clock in _CLOCKS:
            wanted = (SAME, ERROR) if "shows" in clock else (SAME,)
            name = f"{command.name}, {clock}"
            yield Case("the clock is wrong", name, wanted, partial(_train, command, samples, clock))
            go = partial(_resume_later, command, samples, clock)
            yield Case("the clock is wrong after a kill", f"{name}, after a kill", wanted, go)
        for name, date in (("to come", time.time() + 20 * _YEARS), ("of 1970", 0.0)):
            go = partial(_date_files, command, samples, date)
            yield Case("files with wrong dates", f"{command.name}, files {name}", (SAME,), go)
