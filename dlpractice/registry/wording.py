"""Names of a table as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def join_words(words: Iterable[Any], last: str = " or ") -> str:
    """`a, b or c`, with `last` between the last two; one word alone is itself."""
    names = [str(word) for word in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{last}{names[-1]}"
