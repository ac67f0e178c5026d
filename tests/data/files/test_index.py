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


def test_what_is_not_there_and_what_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder or file"):
        read_index(tmp_path / "none")
    (tmp_path / "x.txt").touch()
    with pytest.raises(DataError, match="neither a folder nor a CSV nor a zip"):
        read_index(tmp_path / "x.txt")
