from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.sets.glyphs import glyph_cache
from dlpractice.data.sets.glyphs.glyph_cache import recall
from dlpractice.errors import DataError

SHAPE = (2, 3, 5, 5)


class Artist:
    """Counts how often it had to draw."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> NDArray[np.uint8]:
        self.asked += 1
        return np.full(SHAPE, self.asked, np.uint8)


def files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def test_drawings_are_drawn_once_per_name(own_cache: Path) -> None:
    artist = Artist()
    first = recall("1-0", SHAPE, artist)
    again = recall("1-0", SHAPE, artist)
    assert artist.asked == 1
    np.testing.assert_array_equal(again, first)
    recall("1-1", SHAPE, artist)
    assert artist.asked == 2
    assert sorted(path.name for path in files(own_cache)) == ["1-0", "1-1"]


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"", lambda data: b"nonsense"])
def test_a_damaged_file_is_drawn_anew(own_cache: Path, damage: Callable[[bytes], bytes]) -> None:
    artist = Artist()
    recall("1-0", SHAPE, artist)
    (file,) = files(own_cache)
    file.write_bytes(damage(file.read_bytes()))
    assert (recall("1-0", SHAPE, artist) == 2).all()
    assert (recall("1-0", SHAPE, artist) == 2).all()


def test_drawings_of_another_shape_are_drawn_anew() -> None:
    artist = Artist()
    recall("1-0", SHAPE, lambda: np.zeros((2, 3, 5, 4), np.uint8))
    assert (recall("1-0", SHAPE, artist) == 1).all()


def test_other_code_draws_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = Artist()
    recall("1-0", SHAPE, artist)
    monkeypatch.setattr(glyph_cache, "_code_digest", lambda: "other")
    assert (recall("1-0", SHAPE, artist) == 2).all()


def test_a_cache_that_cannot_be_written_is_told(own_cache: Path) -> None:
    own_cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot write"):
        recall("1-0", SHAPE, Artist())
