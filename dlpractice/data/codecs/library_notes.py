"""What Pillow warns of while a file is decoded: notes about that file, which the warnings do not name."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST = 100
"""Characters of a note that are kept."""
_BOMB = re.compile(r"Image size \((\d+) pixels\) exceeds limit")
_PILLOW = r"PIL\."
_local = threading.local()
_lock = threading.Lock()


@contextmanager
def noting() -> Iterator[list[str]]:
    """The notes of this thread inside the block; those of a block inside it are among them. None is shown."""
    _listen()
    outer, notes = getattr(_local, "notes", None), list[str]()
    _local.notes = notes
    try:
        yield notes
    finally:
        _local.notes = outer
        if outer is not None:
            outer += [note for note in notes if note not in outer]


def _listen() -> None:
    """Lets Pillow's warnings through to `_note`, in all threads.

    The standard library keeps one list of filters and one function for the whole process, and whoever saves
    and restores them (`warnings.catch_warnings`) takes ours away; so they are looked after for each file.
    """
    with _lock:
        if not getattr(warnings.showwarning, "takes_notes", False):
            warnings.showwarning = _make_note_taker(warnings.showwarning)
        first = warnings.filters[0] if warnings.filters else None
        if first is None or first[0] != "always" or getattr(first[3], "pattern", "") != _PILLOW:
            warnings.filterwarnings("always", module=_PILLOW)


def _make_note_taker(show: Any) -> Any:
    def take_note(message: Warning | str, *where: Any, **more: Any) -> None:
        notes: list[str] | None = getattr(_local, "notes", None)
        if notes is None:
            show(message, *where, **more)
        elif (note := _shorten(str(message))) not in notes:
            notes.append(note)

    take_note.takes_notes = True  # type: ignore[attr-defined]
    return take_note


def _shorten(text: str) -> str:
    """The note in a line. Of a large image, Pillow says how it could be an attack: its size is told here."""
    if size := _BOMB.search(text):
        return f"it is very large: {int(size[1]):,} pixels"
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
