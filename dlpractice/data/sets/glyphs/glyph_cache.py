"""Drawn alphabets, kept in the cache for as long as the code that draws them stays the same."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs.drawers import draw_alphabet
from dlpractice.data.sets.glyphs.pen import SIDE
from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import PathError
from dlpractice.paths import read_file
from dlpractice.whole_files import replacing


@dataclass(frozen=True)
class DrawnAlphabet(Keyed):
    """Alphabet `number` of `seed`, each of its characters drawn once by each of its drawers."""

    seed: int
    number: int
    characters: int
    drawers: int

    CODE: ClassVar[tuple[str, ...] | None] = (draw_alphabet.__module__,)

    def draw(self) -> NDArray[np.uint8]:
        """(characters, drawers, SIDE, SIDE) uint8, ink 0 on paper 255."""
        return draw_alphabet(self.seed, self.number, self.characters, self.drawers)

    def recall(self) -> NDArray[np.uint8]:
        """The drawings: from the cache, or else drawn now.

        A file that does not hold them is drawn anew. Drawings are mostly paper: packed, they take a twelfth.

        Raises:
            DataError: the cache cannot be written.
        """
        file = self.cache_place("glyphs")
        kept = self._read(file)
        if kept is not None:
            return kept
        drawings = self.draw()
        with writing(file.parent), replacing(file) as new:
            new.write_bytes(zlib.compress(drawings.tobytes(), level=1))
        return drawings

    def _read(self, file: Path) -> NDArray[np.uint8] | None:
        shape = (self.characters, self.drawers, SIDE, SIDE)
        try:
            kept = np.frombuffer(zlib.decompress(read_file(file, 2**30)), np.uint8)
        except (PathError, zlib.error):
            return None
        return kept.reshape(shape) if kept.size == np.prod(shape) else None
