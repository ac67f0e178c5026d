"""The audit of the known sets of drawings: what is in them, counted from what was read."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlpractice.data.examples import Examples
from dlpractice.data.sets.catalogue import sample_glyphs
from dlpractice.data.sets.omniglot import read_omniglot
from dlpractice.progress import Progress


@dataclass(frozen=True)
class PartCount:
    """The size of one part; `alphabets` maps each name to its number of characters."""

    alphabets: dict[str, int]
    characters: int
    drawings: int
    drawers: int
    side: int


@dataclass(frozen=True)
class DrawingsAudit:
    """What a set of drawings holds.

    `runs` maps each published one-shot task to its alphabet, `equal` has the paths of drawings that are the
    same to the pixel, and `digest` is the sha256 that the content was held against, "" where it is generated.
    """

    parts: dict[str, PartCount]
    runs: dict[str, str]
    equal: tuple[tuple[str, ...], ...]
    digest: str

    def to_json(self) -> dict[str, Any]:
        """The audit as plain lists and mappings."""
        return asdict(self)


def check_drawings(name: str, progress: Progress) -> DrawingsAudit:
    """Reads the set of drawings `name`, a key of DRAWINGS, and counts what is in it.

    Raises:
        DataError: the drawings cannot be had, or are not those that were published.
    """
    return DRAWINGS[name](progress)


def _check_omniglot(progress: Progress) -> DrawingsAudit:
    omniglot = read_omniglot(progress)
    parts = {"background": omniglot.background, "evaluation": omniglot.evaluation}
    runs = {run.name: run.alphabet for run in omniglot.runs}
    return _count(parts, runs, omniglot.digest)


def _check_glyphs(progress: Progress) -> DrawingsAudit:
    return _count({"sample": sample_glyphs(progress)}, {}, "")


DRAWINGS: dict[str, Callable[[Progress], DrawingsAudit]] = {
    "omniglot": _check_omniglot,
    "glyphs": _check_glyphs,
}


def _count(parts: dict[str, Examples], runs: dict[str, str], digest: str) -> DrawingsAudit:
    paths: dict[str, list[str]] = {}
    for part in parts.values():
        for path, content in zip(part.paths, part.sha256, strict=True):
            paths.setdefault(content, []).append(path)
    equal = tuple(tuple(same) for same in paths.values() if len(same) > 1)
    return DrawingsAudit({name: _count_part(part) for name, part in parts.items()}, runs, equal, digest)


def _count_part(part: Examples) -> PartCount:
    alphabet_of = np.unique(np.stack([part.classes, part.alphabets]), axis=1)[1]
    counts = np.bincount(alphabet_of, minlength=len(part.alphabet_names)).tolist()
    return PartCount(
        alphabets=dict(zip(part.alphabet_names, counts, strict=True)),
        characters=len(alphabet_of),
        drawings=len(part),
        drawers=len(np.unique(part.drawers)),
        side=part.image_size,
    )
