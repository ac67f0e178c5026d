"""One thing that is tried, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SAME, WENT_ON, ERROR = "same bits", "went on", "clear error"
INTERNAL, HUNG, LOST = "internal error", "hung", "lost"

OUTCOMES = {
    SAME: "ended with the same bits as without the fault",
    WENT_ON: "did its work, and said what was wrong where there was something to say",
    ERROR: "one line with what is wrong and where, one with what to do, and a status that is not 0",
    INTERNAL: "a traceback, `error: internal`, or no word at all",
    HUNG: "did not end in its time",
    LOST: "a wrong result, or something gone that was there",
}
"""What can become of a try; the first three are as promised."""


@dataclass(frozen=True)
class Outcome:
    """What became of a try: a key of OUTCOMES, and a line on how.

    tries: how often the fault struck; a run may be killed several times before it ends.
    """

    what: str
    detail: str = ""
    tries: int = 1


@dataclass(frozen=True)
class Case:
    """A fault and the command that meets it.

    kind: the row of the table that it counts for.
    name: its own name, unique in its part.
    wanted: the outcomes that are as promised.
    run: tries it in an empty folder.
    """

    kind: str
    name: str
    wanted: tuple[str, ...]
    run: Callable[[Path], Outcome]
