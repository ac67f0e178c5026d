"""What an export is made of: a net, how it is proven, and what stands beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlpractice.recipes.export.writers import Source

README = ".md"
"""What follows the net's name in that of the README."""


@dataclass(frozen=True)
class Subject:
    """A run's net, ready to be written.

    Args:
        source: what is written.
        prove: from the file that was written to how it does beside the net that Keras computes.
        beside: writers of the files beside it, by what follows its name in theirs.
    """

    source: Source
    prove: Callable[[Path], dict[str, Any]]
    beside: Mapping[str, Callable[[Path], object]]


def write_text(text: str) -> Callable[[Path], object]:
    """A writer of `text`, in UTF-8."""
    return lambda path: path.write_text(text, encoding="utf-8", errors="replace")
