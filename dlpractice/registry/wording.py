"""Writes the names of a table as part of a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def join_words(words: Iterable[Any], last: str = " or ") -> str:
    """`a, b or c`: commas between all but the last two words, and `last` between those.

    A single word stays as it is.
    """
    names = [str(word) for word in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{last}{names[-1]}"
