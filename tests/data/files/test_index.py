import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice.data.files.index import read_index
from dlpractice.errors import DataError

Classes = Callable[..., Path]


def zipped(folder: Path, wrapper: str = "") -> Path:
    path = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                opened.write(file, Path(wrapper, file.relative_to(folder)))
    return path


def test_a_folder_and_a_zip_of_it_have_the_same_items(classes: Classes) -> None:
    folder = classes(2)
    expected = read_index(folder)
    assert len(expected.items) == 4
    assert read_index(str(zipped(folder))).items == expected.items
    assert read_index(zipped(folder, wrapper="photos-v2")).items == expected.items


@pytest.mark.parametrize("wrapper", ["", "inside"])
def test_a_zip_of_a_table(classes: Classes, wrapper: str) -> None:
    folder = classes(1)
    (folder / "labels.csv").write_text("path,label\ncat/000.png,miau\ndog/000.png,wuff\n")
    assert read_index(zipped(folder, wrapper)).class_names == ("miau", "wuff")
    assert read_index(folder / "labels.csv").class_names == ("miau", "wuff")


def test_a_changed_zip_is_extracted_anew(classes: Classes) -> None:
    folder = classes(2)
    assert len(read_index(zipped(folder)).items) == 4
    shutil.copy(folder / "cat/000.png", folder / "cat/new.png")
    assert len(read_index(zipped(folder)).items) == 5


@pytest.mark.parametrize("packed", [False, True])
def test_files_that_are_no_images_are_counted_by_their_ending(tmp_path: Path, packed: bool) -> None:
    for name in ("a/1.npy", "a/2.NPY", "b/3.npy", "b/notes.txt"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scans" / name).write_text(name)
    given = zipped(tmp_path / "scans") if packed else tmp_path / "scans"
    with pytest.raises(DataError) as caught:
        read_index(given)
    expected = f"{given} holds no images in class folders; there are 3 files *.npy, 1 file *.txt"
    assert caught.value.message == expected


def test_what_is_not_there_and_what_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder or file"):
        read_index(tmp_path / "none")
    (tmp_path / "x.txt").touch()
    with pytest.raises(DataError, match="neither a folder nor a CSV nor a zip"):
        read_index(tmp_path / "x.txt")
    (tmp_path / "x.tar.gz").touch()
    with pytest.raises(DataError) as caught:
        read_index(tmp_path / "x.tar.gz")
    assert caught.value.hint == "unpack it, and give the folder"


def spelt(folder: Path, *names: bytes) -> Path:
    """A zip with a file under each name, as programs write it that set no flag for UTF-8."""
    path = folder / "names.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number, name in enumerate(names):
            # ASCII of the same length is replaced afterwards, in the header and in the directory.
            opened.writestr(f"{number}" * len(name), b"x")
    content = path.read_bytes()
    for number, name in enumerate(names):
        content = content.replace(f"{number}".encode() * len(name), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
@pytest.mark.parametrize("name", ["caf\u00e9", "M\u00fcnchen"])
def test_names_in_a_zip_that_says_no_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    path = spelt(tmp_path, f"{name}/1.png".encode(encoding), b"tearoom/2.png")
    index = read_index(path)
    assert index.class_names == (name, "tearoom")
    (finding,) = index.findings
    assert (finding.kind, finding.severity) == ("archive names", "info" if encoding == "utf-8" else "warning")
    assert f"{name}/1.png" in finding.message
    assert read_index(path).findings == index.findings  # also where it was extracted before


def test_names_that_are_marked_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "marked.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("caf\u00e9/1.png", b"x")
        opened.writestr("cafe\u0301/2.png", b"y")
        opened.writestr("tea/1.png", b"z")
    index = read_index(path)
    assert (index.class_names, index.findings) == (("caf\u00e9", "tea"), ())
