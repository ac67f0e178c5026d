"""An endless stand-in for Omniglot: alphabets of made-up characters, each drawn by twenty made-up people."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.characters import invent_alphabet
from dlpractice.data.drawers import draw_character, invite_drawers
from dlpractice.data.examples import Examples
from dlpractice.data.pen import SIDE
from dlpractice.data.progress import Progress, Quiet
from dlpractice.errors import DataError

DRAWERS = 20


def generate_alphabets(
    count: int,
    *,
    seed: int,
    first: int = 0,
    characters: tuple[int, int] = (20, 40),
    drawers: int = DRAWERS,
    progress: Progress | None = None,
) -> Examples:
    """Alphabets number `first` to `first + count - 1`; each is a function of its number and the seed alone.

    Args:
        count: 1 or more.
        seed: 0 or more.
        characters: the smallest and the largest number of characters in an alphabet, both included.
        drawers: how many people draw every character once.
    Returns:
        Examples in the order of alphabet, character, drawer, with pixels (N, 105, 105, 1) uint8: soft-edged
        dark ink on light paper. Alphabets are called "glyphs-000", their classes "glyphs-000/character01".

    Raises:
        DataError: there would be no alphabet, no character or no drawer.
    """
    if min(count, drawers, characters[0]) < 1 or characters[1] < characters[0]:
        raise DataError(
            f"{count} alphabets of {characters[0]} to {characters[1]} characters by {drawers} drawers",
            "there must be at least one of each, and the range of characters must rise",
        )
    progress = progress or Quiet()
    progress.stage("drawing glyphs", count, "alphabets")
    sheets: list[NDArray[np.uint8]] = []
    sizes: list[int] = []
    for number in range(first, first + count):
        drawn = _draw_alphabet(seed, number, characters, drawers)
        sheets += drawn
        sizes.append(len(drawn))
        progress.advance()
    names = tuple(f"glyphs-{number:03d}" for number in range(first, first + count))
    return _collect(np.stack(sheets), names, sizes)


def _draw_alphabet(
    seed: int, number: int, characters: tuple[int, int], drawers: int
) -> list[NDArray[np.uint8]]:
    """A (D, SIDE, SIDE) sheet for each character of an alphabet."""
    invention, people, drawing = (np.random.default_rng([seed, number, stream]) for stream in range(3))
    alphabet = invent_alphabet(invention, int(invention.integers(*characters, endpoint=True)))
    invited = invite_drawers(people, drawers, alphabet.parts)
    return [draw_character(drawing, strokes, alphabet.parts, invited) for strokes in alphabet.characters]


def _collect(sheets: NDArray[np.uint8], names: tuple[str, ...], sizes: list[int]) -> Examples:
    """Examples of C sheets (C, D, SIDE, SIDE), of which the first sizes[0] belong to the first alphabet."""
    total, drawers = sheets.shape[:2]
    class_names = tuple(
        f"{name}/character{n:02d}"
        for name, size in zip(names, sizes, strict=True)
        for n in range(1, size + 1)
    )
    pixels = sheets.reshape(total * drawers, SIDE, SIDE, 1)
    return Examples(
        pixels=pixels,
        alphabets=np.repeat(np.arange(len(names)), np.array(sizes) * drawers).astype(np.int64),
        classes=np.repeat(np.arange(total), drawers).astype(np.int64),
        drawers=np.tile(np.arange(drawers), total).astype(np.int64),
        alphabet_names=names,
        class_names=class_names,
        paths=tuple(f"{name}/drawer{d:02d}" for name in class_names for d in range(1, drawers + 1)),
        sha256=tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in pixels),
    )
