from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.data.files.index_items import FileKind
from dlpractice.data.files.unlabelled_images import load_files, load_images

Classes = Callable[..., Path]
Write = Callable[..., Path]


def test_files_and_folders_come_in_order_with_errors_in_place(classes: Classes, write: Write) -> None:
    root = classes(2)
    write(root / "dog/bad.jpg", b"no image")
    (root / "empty").mkdir()
    paths = [str(root / "none.png"), str(root / "dog"), str(root / "cat/001.png"), str(root / "empty")]
    found = list(load_images(paths, Look(12, "crop")))
    assert [Path(image.path).relative_to(root).as_posix() for image in found] == [
        "none.png",
        "dog/000.png",
        "dog/001.png",
        "dog/bad.jpg",
        "cat/001.png",
        "empty",
    ]
    assert [bool(image.error) for image in found] == [True, False, False, True, False, True]
    assert all((image.pixels is None) == bool(image.error) for image in found)
    assert "there is no such file" in found[0].error
    (endless,) = load_images(["x" * 300], Look(12))
    assert "a name in it has 300 bytes" in endless.error
    (nothing,) = load_images([""], Look(12))
    assert nothing.error == "the path is empty"
    assert found[1].pixels is not None
    np.testing.assert_array_equal(found[1].pixels, load_pixels(root / "dog/000.png", Look(12, "crop")))


def test_a_named_file_is_read_whatever_its_ending(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "upload.tmp", 3, format="PNG")
    (found,) = load_images([str(path)], Look(8))
    assert found.error == ""


def test_folders_are_searched_for_the_files_of_a_kind(write: Write, tmp_path: Path) -> None:
    for name in ("b.txt", "a.TXT", "c.png"):
        write(tmp_path / "in" / name, name.encode())
    (tmp_path / "empty").mkdir()

    def decode(path: Path) -> np.ndarray:
        return np.frombuffer(path.read_bytes(), np.uint8)

    kind = FileKind("texts", frozenset({".txt"}))
    found = list(load_files([str(tmp_path / "in"), str(tmp_path / "empty")], decode, kind))
    contents = [None if image.pixels is None else image.pixels.tobytes() for image in found]
    assert contents == [b"a.TXT", b"b.txt", None]
    assert found[2].error == "the folder holds no texts"
    (found,) = load_files([str(tmp_path / "in")], decode, FileKind("tables", frozenset({".csv"})))
    assert found.error == "the folder holds no tables: 2 files *.txt, 1 file *.png"
