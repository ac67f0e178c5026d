"""An endless stand-in for Omniglot: alphabets of made-up characters, each drawn by twenty made-up people."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.data.sets.glyphs.glyph_cache import DrawnAlphabet
from dlpractice.data.sets.glyphs.pen import SIDE
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent

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

    They are drawn once, a few thousand drawings a second, and kept in the cache.

    Args:
        count: 1 or more.
        seed: 0 or more.
        characters: the smallest and the largest number of characters in an alphabet, both included.
        drawers: how many people draw every character once.
    Returns:
        Examples in the order of alphabet, character, drawer, with pixels (N, 105, 105, 1) uint8: soft-edged
        dark ink on light paper. Alphabets are called "glyphs-000", their classes "glyphs-000/character01".

    Raises:
        DataError: there would be no alphabet, no character or no drawer, or the cache cannot be written.
    """
    if min(count, drawers, characters[0]) < 1 or characters[1] < characters[0]:
        raise DataError(
            f"{count} alphabets of {characters[0]} to {characters[1]} characters by {drawers} drawers",
            "there must be at least one of each, and the range of characters must rise",
        )
    progress = progress or Silent()
    progress.stage("drawing glyphs", count, "alphabets")
    sizes = [_size(seed, number, characters) for number in range(first, first + count)]
    pixels = np.empty((sum(sizes) * drawers, SIDE, SIDE, 1), np.uint8)
    end = 0
    for number, size in enumerate(sizes, first):
        start, end = end, end + size * drawers
        drawn = DrawnAlphabet(seed, number, size, drawers).recall()
        pixels[start:end] = drawn.reshape(-1, SIDE, SIDE, 1)
        progress.advance()
    names = tuple(f"glyphs-{number:03d}" for number in range(first, first + count))
    return _collect(pixels, names, sizes, drawers)


def _size(seed: int, number: int, characters: tuple[int, int]) -> int:
    """How many characters an alphabet has."""
    # Other streams of the same alphabet, 0 to 2, decide on its characters and drawings.
    return int(np.random.default_rng([seed, number, 3]).integers(*characters, endpoint=True))


def _collect(pixels: NDArray[np.uint8], names: tuple[str, ...], sizes: list[int], drawers: int) -> Examples:
    """Examples in the order of alphabet, character, drawer, of alphabets of `sizes` characters."""
    class_names = tuple(
        f"{name}/character{n:02d}"
        for name, size in zip(names, sizes, strict=True)
        for n in range(1, size + 1)
    )
    total = len(class_names)
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
