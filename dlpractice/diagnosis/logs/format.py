"""What the reading of logs has to know of a format: its names, where its logs lie, and who reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlpractice.diagnosis.record import Record


@dataclass(frozen=True)
class Place:
    """Where a log may lie, seen from the path that somebody names.

    rank: places of all formats are searched from the lowest rank to the highest, and the first log that is
    found is read; no two have the same. Marks that only one format has come before names that many share.
    find: gives the path that the format's `read` takes; None where there is no such log.
    """

    rank: int
    find: Callable[[Path], Path | None]


@dataclass(frozen=True)
class Format:
    """A format of training logs.

    name: what it is called. words: what to give, with its article, for a list such as "a run directory, a CSV
    log or ...". recognised_by: how a log is told from others, for the documentation.
    read: makes the record of a log that a place has found. It also gets a mapping of curves to columns, for
    columns without one of the usual names, and raises RunError where the log cannot be read.
    """

    name: str
    words: str
    recognised_by: str
    places: tuple[Place, ...]
    read: Callable[[Path, Mapping[str, str]], Record]
