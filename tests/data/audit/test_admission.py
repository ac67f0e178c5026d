import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from dlpractice.data.audit.admission import admit, usable_items
from dlpractice.data.audit.audit import inspect
from dlpractice.data.files.folder_index import index_folder
from dlpractice.data.files.index import read_index
from dlpractice.data.files.pixel_cache import scan
from dlpractice.errors import DataError
from dlpractice.progress import Silent

Classes = Callable[..., Path]
Write = Callable[..., Path]


class Noting(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def admitted(root: Path, on_bad_image: Literal["error", "skip"], progress: Silent) -> list[str]:
    index = index_folder(root)
    audit = inspect(index, scan(index, None, Silent()), on_bad_image)
    admit(index, audit, progress)
    return [item.path for item in usable_items(index, audit)]


def test_clean_images_are_all_let_in_without_a_word(classes: Classes) -> None:
    progress = Noting()
    assert len(admitted(classes(10), "error", progress)) == 20
    assert progress.warnings == []


def test_bad_images_are_an_error_or_left_out_and_counted(classes: Classes, write: Write) -> None:
    root = classes(10)
    write(root / "cat/bad.png", b"x")
    with pytest.raises(DataError, match=r"^cat/bad.png: .*\n.*: 1 of 21 images cannot be used$") as caught:
        admitted(root, "error", Silent())
    assert "data.on_bad_image=skip" in caught.value.hint
    progress = Noting()
    assert "cat/bad.png" not in admitted(root, "skip", progress)
    assert progress.warnings == ["1 image left out: unreadable"]


def test_other_errors_are_not_skipped(classes: Classes) -> None:
    root = classes(10)
    (root / "owl").mkdir()
    with pytest.raises(DataError, match="1 class folder without an image: owl"):
        admitted(root, "skip", Silent())


def test_an_archive_is_named_and_not_where_it_was_unpacked(classes: Classes, tmp_path: Path) -> None:
    root = classes(2)
    (root / "cat/bad.png").touch()
    index = read_index(shutil.make_archive(str(tmp_path / "pets"), "zip", root))
    with pytest.raises(DataError) as caught:
        admit(index, inspect(index, scan(index, None, Silent())), Silent())
    assert caught.value.message.startswith(f"{tmp_path / 'pets.zip'}: 1 of 5 images")
