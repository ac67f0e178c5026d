"""Trainings that were logged one after the other into the same columns, taken apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.diagnosis.logs.clocks import Times
from dlpractice.diagnosis.logs.columns import FEWEST_VALUES, split_words
from dlpractice.diagnosis.logs.table import Table

_NAMED = 5
"""Phases, or points at which a training was resumed, that are named."""
_RUNS = {
    "fold",
    "folds",
    "kfold",
    "run",
    "trial",
    "seed",
    "repeat",
    "repetition",
    "cv",
    "experiment",
    "stage",
}


@dataclass(frozen=True)
class Phase:
    """The phase of a log that is judged. rows: (length of the table,) bool. note: what the others are, as a
    sentence; "" where there is no other."""

    rows: NDArray[np.bool_]
    note: str = ""


def choose_phase(table: Table, times: Times, used: Iterable[str]) -> Phase:
    """The phase that is judged: the last one with enough values for a trend, or else the longest.

    A column such as `fold` tells phases apart. So do times that start again, as they do in a log that was
    appended to. Times that go back without starting again are those of a training that was resumed: what came
    after the point at which it went on is lost, and is left out.
    """
    used = list(used)
    if (named := _split_by_name(table, used)) is not None:
        numbers, words = named
        names = [f"{words} {name}" for name in dict.fromkeys(numbers)]
        _, places = np.unique(np.array(numbers), return_inverse=True)
        order = {int(place): index for index, place in enumerate(dict.fromkeys(places.tolist()))}
        return _pick(table, used, np.array([order[int(place)] for place in places]), names)
    return _split_by_time(table, times, used)


def _split_by_name(table: Table, used: list[str]) -> tuple[list[str], str] | None:
    """By rows the value of a column that names runs, and the name of that column."""
    for name, column in table.columns.items():
        if (
            set(split_words(name)) & _RUNS
            and len(split_words(name)) <= 2
            and len(column.rows) == table.length
        ) and 1 < len(np.unique(column.values)) <= table.length / 2:
            return [f"{value:g}" for value in column.values], name
    for name, cells in table.texts.items():
        if set(split_words(name)) & _RUNS and 1 < len(set(cells)) <= table.length / 2:
            return list(cells), name
    return None


def _split_by_time(table: Table, times: Times, used: list[str]) -> Phase:
    broken = {name: _find_breaks(times, table.columns[name].rows) for name in used}
    most = max(used, key=lambda name: len(broken[name]))
    breaks = broken[most]
    everything = Phase(np.ones(table.length, np.bool_))
    if not breaks and not table.starts:
        return everything
    if len(breaks) > len(table.columns[most].rows) / 2:  # the newest row comes first
        return everything
    numbers, kept = np.zeros(table.length, np.int64), everything.rows.copy()
    since, resumed = 0, list[str]()
    for place in sorted({*breaks, *table.starts}):
        earliest = np.nanmin(times.times[since:place]) if place > since else np.inf
        if place in table.starts or times.times[place] <= earliest:
            numbers[place:] += 1
            since = place
        else:
            kept[since:place] &= ~(times.times[since:place] >= times.times[place])
            resumed.append(f"{times.times[place]:g}")
    names = [f"phase {number + 1}" for number in range(int(numbers.max()) + 1)]
    picked = _pick(table, used, numbers, names)
    notes = [picked.note] if picked.note else []
    if resumed:
        last = ", ".join(dict.fromkeys(resumed[-_NAMED:]))
        notes.append(f"it was resumed at {times.clock} {last}; what was lost is left out")
    return Phase(picked.rows & kept, "; ".join(notes))


def _find_breaks(times: Times, rows: NDArray[np.int64]) -> list[int]:
    """The rows at which the times of a column go back."""
    own = times.times[rows]
    return [int(row) for row in rows[1:][np.diff(own) < 0]]


def _pick(table: Table, used: list[str], numbers: NDArray[np.int64], names: list[str]) -> Phase:
    if len(names) < 2:
        return Phase(np.ones(table.length, np.bool_))
    sizes = [
        max(int((numbers[table.columns[name].rows] == number).sum()) for name in used)
        for number in range(len(names))
    ]
    enough = [number for number, size in enumerate(sizes) if size >= FEWEST_VALUES]
    judged = enough[-1] if enough else int(np.argmax(sizes))
    others = [f"{name} ({size})" for name, size in zip(names, sizes, strict=True)]
    listed = ", ".join(others if len(others) <= _NAMED else [*others[: _NAMED - 1], "...", others[-1]])
    note = (
        f"it holds {len(names)} trainings, with their numbers of values: {listed}; {names[judged]} is judged"
    )
    return Phase(numbers == judged, note)
