"""What Pillow warns of, kept as notes about the file, also where many threads decode at once."""

import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.data.codecs.library_notes import LONGEST, noting
from dlpractice.data.files.decoding import Look, decode
from dlpractice.data.files.unlabelled_images import load_images


def write_odd(path: Path) -> Path:
    """A JPEG whose EXIF block breaks off: every viewer shows it, and Pillow warns."""
    image = Image.fromarray(np.full((8, 8, 3), 90, np.uint8))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12\0\x03\0\0\0\x01\0\x01\0\0"
    image.save(path, exif=exif)
    return path


def warn(text: str) -> None:
    """As Pillow does."""
    warnings.warn_explicit(text, UserWarning, "Image.py", 1, module="PIL.Image")


def test_a_note_belongs_to_its_file_and_nothing_is_shown(tmp_path: Path) -> None:
    odd, fine = write_odd(tmp_path / "odd.jpg"), tmp_path / "fine.png"
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(fine)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        notes = [decode(path).notes for path in (odd, fine, odd)]
    assert shown == []
    assert [len(found) for found in notes] == [1, 0, 1]  # and the second time, too
    assert "EXIF" in notes[0][0]
    rows = list(load_images([str(odd), str(fine)], Look(8)))
    assert [row.describe_note() for row in rows] == [{"note": notes[0][0]}, {}]
    assert all(row.pixels is not None for row in rows)


def test_a_large_image_is_told_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    content = io.BytesIO()
    Image.fromarray(np.full((12, 12, 3), 90, np.uint8)).save(content, "PNG")
    assert decode(content.getvalue()).notes == ("it is very large: 144 pixels",)


def test_filters_that_somebody_saves_and_restores_take_nothing_away() -> None:
    """As the import of what needs TensorFlow does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with noting():
            pass
    with noting() as notes:
        warn("odd")
        warn("odd")
        with noting() as inside:
            warn("odder")
        warn("x  \n" * LONGEST + ".")
    assert inside == ["odder"]
    assert notes[:2] == ["odd", "odder"]
    assert notes[2].startswith("x x x") and len(notes[2]) == LONGEST


def test_each_thread_has_its_own_notes() -> None:
    together = threading.Barrier(4)

    def work(number: int) -> list[str]:
        with noting() as notes:
            for turn in range(50):
                together.wait()
                warn(f"{number} {turn}")
        return notes

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[f"{n} {t}" for t in range(50)] for n in range(4)]


def test_warnings_outside_of_decoding_are_shown_as_ever() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with noting() as notes:
            pass
        warn("not about a file")
    assert [str(one.message) for one in shown] == ["not about a file"]
    assert notes == []
