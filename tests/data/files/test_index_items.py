from pathlib import Path

import pytest

from dlpractice.data.files.index_items import (
    IMAGES,
    IMAGES_OR_RECORDINGS,
    RECORDINGS,
    Index,
    Item,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.JPG", True),
        ("b/c.webp", True),
        ("a.jpeg.txt", False),
        ("notes", False),
        ("x.heic", True),
        (".jpg", False),
    ],
)
def test_images_are_known_by_their_ending(name: str, expected: bool) -> None:
    assert IMAGES.fits(name) is expected


def test_recordings_are_known_by_their_ending() -> None:
    assert RECORDINGS.fits("cow/ann-1.WAV") and not RECORDINGS.fits("cow/ann-1.mp3")
    assert all(IMAGES_OR_RECORDINGS.fits(name) for name in ("a.wav", "a.png"))


def test_an_absolute_path_stays_where_it_is() -> None:
    index = Index(Path("/photos"), ("a",), ())
    assert index.file(Item("a/b.png", "a")) == Path("/photos/a/b.png")
    assert index.file(Item("/other/b.png", "a")) == Path("/other/b.png")
