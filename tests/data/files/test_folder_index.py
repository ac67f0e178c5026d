import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice.data.files.folder_index import image_files, index_folder
from dlpractice.errors import DataError

Write = Callable[..., Path]
Classes = Callable[..., Path]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_class_folders(tmp_path: Path) -> None:
    touch(tmp_path / "dog/2.JPG", tmp_path / "dog/deep/1.png", tmp_path / "Cat/1.webp")
    touch(
        tmp_path / "dog/notes.txt",
        tmp_path / "readme.md",
        tmp_path / "dog/.hidden.png",
        tmp_path / "Thumbs.db",
    )
    (tmp_path / "empty").mkdir()
    index = index_folder(tmp_path)
    assert index.class_names == ("Cat", "dog", "empty")
    assert [(item.path, item.label, item.split) for item in index.items] == [
        ("Cat/1.webp", "Cat", None),
        ("dog/2.JPG", "dog", None),
        ("dog/deep/1.png", "dog", None),
    ]
    assert index.empty_classes == ("empty",)
    assert index.others == ("dog/notes.txt", "readme.md")
    assert index.clutter == 2


@pytest.mark.parametrize("validation", ["validation", "val", "Valid"])
def test_split_folders_by_their_usual_names(tmp_path: Path, validation: str) -> None:
    for split in ("Train", validation, "test"):
        touch(tmp_path / split / "a/1.png", tmp_path / split / "b/1.png")
    touch(tmp_path / "extra/a/1.png", tmp_path / "labels.txt")
    (tmp_path / validation / "c").mkdir()
    index = index_folder(tmp_path)
    assert index.class_names == ("a", "b", "c")
    assert {item.path.split("/")[0]: item.split for item in index.items} == {
        "Train": "train",
        validation: "validation",
        "test": "test",
    }
    assert index.others == ("extra/", "labels.txt")
    assert index.empty_classes == (f"{validation}/c",)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    touch(tmp_path / "train/1.png", tmp_path / "bus/1.png", tmp_path / "test/1.png")
    assert index_folder(tmp_path).class_names == ("bus", "test", "train")


def test_a_train_folder_alone_holds_classes(tmp_path: Path) -> None:
    touch(tmp_path / "train/a/1.png", tmp_path / "train/b/1.png")
    index = index_folder(tmp_path)
    assert index.class_names == ("a", "b")
    assert {item.split for item in index.items} == {"train"}


def test_a_wrapper_around_the_data_is_entered(tmp_path: Path) -> None:
    touch(tmp_path / "pets/v1/a/1.png", tmp_path / "pets/v1/b/1.png", tmp_path / "__MACOSX/x")
    index = index_folder(tmp_path)
    assert (index.root, index.class_names) == (tmp_path / "pets/v1", ("a", "b"))


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "train/a/1.png", tmp_path / "val/a/1.png", tmp_path / "validation/a/1.png")
    with pytest.raises(DataError, match="two folders for validation: val and validation"):
        index_folder(tmp_path)


def test_unlabelled_images_in_a_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "train/a/1.png", tmp_path / "train/b/1.png", tmp_path / "test/7.png")
    with pytest.raises(DataError, match="outside of class folders"):
        index_folder(tmp_path)


@pytest.mark.parametrize("names", [[], ["1.png", "2.png"], ["a/notes.txt"]])
def test_a_folder_without_class_folders_says_what_was_expected(tmp_path: Path, names: list[str]) -> None:
    touch(*(tmp_path / name for name in names))
    with pytest.raises(DataError, match="no images in class folders") as caught:
        index_folder(tmp_path)
    assert "one folder per class" in caught.value.hint


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/1.png", tmp_path / "data/b/1.png")
    (tmp_path / "data/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/b/again").symlink_to(tmp_path / "data/b")
    assert [item.path for item in index_folder(tmp_path / "data").items] == ["a/1.png", "b/1.png"]


def test_a_file_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png")
    with open(os.fsencode(tmp_path / "a") + b"/caf\xe9.png", "wb"):
        pass
    with pytest.raises(DataError, match="no readable text"):
        index_folder(tmp_path)


def test_image_files_at_any_depth_in_order(tmp_path: Path) -> None:
    touch(tmp_path / "b.png", tmp_path / "a/2.jpg", tmp_path / "a/x.txt", tmp_path / ".c.png")
    assert image_files(tmp_path) == ["a/2.jpg", "b.png"]
