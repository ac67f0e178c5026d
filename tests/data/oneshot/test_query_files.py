from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.ink import load_drawing
from dlpractice.data.oneshot.own_classes import Colour, Reading, read_class_folders
from dlpractice.data.oneshot.query_files import Note, load_queries

Classes = Callable[..., Path]
Write = Callable[..., Path]

_IMAGES = Note("images", Look(24, "crop", "#ff0000"), "grey")


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    for number, name in enumerate(("cow/a.wav", "cow/b.wav", "cat/a.wav")):
        path = tmp_path / "spoken" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.sin(np.arange(8000) * 0.05 * (number + 1))
        wavfile.write(path, 8000, (20000 * samples).astype(np.int16))
    return tmp_path / "spoken"


@pytest.mark.parametrize("colour", ["grey", "colour"])
@pytest.mark.parametrize("kind", ["images", "recordings"])
def test_they_are_read_as_training_images_were(
    kind: str, colour: Colour, classes: Classes, spoken: Path
) -> None:
    root = classes(2) if kind == "images" else spoken
    note = replace(_IMAGES, kind=kind, colour=colour)
    trained = read_class_folders(
        str(root), Reading(Look(24, "crop", background="#ff0000"), colour=colour)
    ).examples
    found = list(load_queries([str(root)], note))
    assert [image.path for image in found] == [str(root / path) for path in trained.paths]
    for image, pixels in zip(found, np.asarray(trained.pixels), strict=True):
        np.testing.assert_array_equal(image.pixels, pixels)


def test_drawings_are_made_ink_on_paper(write: Write, tmp_path: Path) -> None:
    sheet = np.full((60, 90), 180, np.uint8)
    sheet[10:50, 30:34] = 60
    path = write(tmp_path / "a.png", Image.fromarray(sheet))
    (found,) = load_queries([str(path)], replace(_IMAGES, kind="drawings", look=Look(105)))
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels[..., 0], load_drawing(path, 105))
    assert sorted(np.unique(found.pixels))[0] == 0


def test_another_kind_than_was_trained_on_is_an_error_in_place(classes: Classes, spoken: Path) -> None:
    image = str(classes(2) / "cat/000.png")
    sound = str(spoken / "cow/a.wav")
    heard = replace(_IMAGES, kind="recordings")
    assert [bool(found.error) for found in load_queries([image, sound], _IMAGES)] == [False, True]
    assert [bool(found.error) for found in load_queries([image, sound], heard)] == [True, False]
    (found,) = load_queries([str(spoken)], _IMAGES)
    assert found.error == "the folder holds no images: 3 files *.wav"
