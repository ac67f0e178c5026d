from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs import glyph_cache
from dlpractice.data.sets.glyphs.glyph_cache import DrawnAlphabet
from dlpractice.data.storage import cache_key
from dlpractice.errors import DataError

SIDE = 5
ALPHABET = DrawnAlphabet(seed=1, number=0, characters=2, drawers=3)


class Artist:
    """Counts how often it had to draw."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, seed: int, number: int, characters: int, drawers: int) -> NDArray[np.uint8]:
        self.asked += 1
        return np.full((characters, drawers, SIDE, SIDE), self.asked, np.uint8)


@pytest.fixture
def artist(monkeypatch: pytest.MonkeyPatch) -> Iterator[Artist]:
    drawn = Artist()
    monkeypatch.setattr(glyph_cache, "draw_alphabet", drawn)
    monkeypatch.setattr(glyph_cache, "SIDE", SIDE)
    yield drawn


def files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def test_drawings_are_drawn_once_per_alphabet(own_cache: Path, artist: Artist) -> None:
    first = ALPHABET.recall()
    again = ALPHABET.recall()
    assert artist.asked == 1
    np.testing.assert_array_equal(again, first)
    for other in (DrawnAlphabet(2, 0, 2, 3), DrawnAlphabet(1, 1, 2, 3), DrawnAlphabet(1, 0, 3, 2)):
        other.recall()
    assert artist.asked == 4
    assert len(files(own_cache)) == 4


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-3], lambda data: b"", lambda data: b"nonsense", lambda data: data_of((2, 3, 5, 4))],
)
def test_a_damaged_file_is_drawn_anew(
    own_cache: Path, artist: Artist, damage: Callable[[bytes], bytes]
) -> None:
    ALPHABET.recall()
    (file,) = files(own_cache)
    file.write_bytes(damage(file.read_bytes()))
    assert (ALPHABET.recall() == 2).all()
    assert (ALPHABET.recall() == 2).all()


def data_of(shape: tuple[int, ...]) -> bytes:
    return glyph_cache.zlib.compress(np.zeros(shape, np.uint8).tobytes())


def test_other_code_draws_anew(artist: Artist, monkeypatch: pytest.MonkeyPatch) -> None:
    ALPHABET.recall()
    monkeypatch.setattr(cache_key, "digest_code", lambda modules: "other")
    assert (ALPHABET.recall() == 2).all()


def test_a_cache_that_cannot_be_written_is_told(own_cache: Path, artist: Artist) -> None:
    own_cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot write"):
        ALPHABET.recall()
