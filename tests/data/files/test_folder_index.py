import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice.data.files.folder_index import index_folder
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
    assert index.clutter == ("Thumbs.db", "dog/.hidden.png")


@pytest.mark.parametrize("validation", ["validation", "val", "Valid"])
def test_split_folders_by_their_usual_names(tmp_path: Path, validation: str) -> None:
    for split in ("Train", validation, "test"):
        touch(tmp_path / split / "a/1.png", tmp_path / split / "b/1.png")
    touch(tmp_path / "extra/a/1.png", tmp_path / "labels.txt", tmp_path / "notes/1.txt")
    (tmp_path / validation / "c").mkdir()
    index = index_folder(tmp_path)
    assert index.class_names == ("a", "b", "c")
    assert {item.path.split("/")[0]: item.split for item in index.items} == {
        "Train": "train",
        validation: "validation",
        "test": "test",
    }
    assert (index.loose, index.others) == (("extra/a/1.png",), ("labels.txt", "notes/"))
    assert index.empty_classes == (f"{validation}/c",)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    touch(tmp_path / "train/1.png", tmp_path / "bus/1.png", tmp_path / "test/1.png")
    assert index_folder(tmp_path).class_names == ("bus", "test", "train")


@pytest.mark.parametrize("table", [True, False])
def test_splits_without_class_folders_are_refused(tmp_path: Path, table: bool) -> None:
    touch(tmp_path / "Train/cat.1.png", tmp_path / "Train/dog.1.png", tmp_path / "test/1.png")
    if table:
        (tmp_path / "labels.csv").touch()
    with pytest.raises(DataError, match="Train/ and test/ are called like splits") as caught:
        index_folder(tmp_path)
    assert ("give labels.csv" if table else "sort the images") in caught.value.hint


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
    with pytest.raises(DataError, match="several folders for validation: val and validation"):
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


def test_recordings_are_for_another_command(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.wav")
    with pytest.raises(DataError) as caught:
        index_folder(tmp_path)
    assert caught.value.hint.startswith("recordings are for `dlp oneshot`")


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/1.png", tmp_path / "data/b/1.png")
    (tmp_path / "data/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/b/again").symlink_to(tmp_path / "data/b")
    assert [item.path for item in index_folder(tmp_path / "data").items] == ["a/1.png", "b/1.png"]


def test_a_file_name_that_is_no_utf8_is_a_name(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "a/line\nbreak.png")
    with open(os.fsencode(tmp_path / "a") + b"/caf\xe9.png", "wb"):
        pass
    assert [item.path for item in index_folder(tmp_path).items] == [
        "a/1.png",
        "a/caf\udce9.png",
        "a/line\nbreak.png",
    ]


@pytest.mark.parametrize("name", ["caf\udce9", "two\nlines", "bell\a"])
def test_a_class_needs_a_name_of_text(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "a/1.png", tmp_path / name / "1.png")
    with pytest.raises(DataError, match="no readable text") as caught:
        index_folder(tmp_path)
    assert repr(name) in caught.value.message


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_two_spellings_are_one_class(tmp_path: Path) -> None:
    touch(tmp_path / NFC / "1.png", tmp_path / NFD / "2.png", tmp_path / "tea/1.png")
    index = index_folder(tmp_path)
    assert index.class_names == (NFC, "tea")
    assert [item.label for item in index.items] == [NFC, NFC, "tea"]
    assert {item.path.split("/")[0] for item in index.items} == {NFC, NFD, "tea"}


def test_a_single_spelling_is_the_users(tmp_path: Path) -> None:
    touch(tmp_path / NFD / "2.png", tmp_path / "cafz/1.png")
    assert index_folder(tmp_path).class_names == ("cafz", NFD)  # é comes after z


def test_splits_may_spell_a_class_in_two_ways(tmp_path: Path) -> None:
    touch(tmp_path / "train" / NFC / "1.png", tmp_path / "test" / NFD / "2.png", tmp_path / "train/b/1.png")
    assert index_folder(tmp_path).class_names == ("b", NFC)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (("train", "eval"), {"train": "train", "eval": "validation"}),
        (("train", "dev", "eval"), {"train": "train", "dev": "validation", "eval": "test"}),
        (("TRAIN", "Testing"), {"TRAIN": "train", "Testing": "test"}),
        (("training_set", "test_set"), {"training_set": "train", "test_set": "test"}),
        (("train2017", "val2017"), {"train2017": "train", "val2017": "validation"}),
        (("validation", "test"), {"validation": "validation", "test": "test"}),
        (("test",), {"test": "test"}),
    ],
)
def test_folders_of_splits(tmp_path: Path, folders: tuple[str, ...], expected: dict[str, str]) -> None:
    for folder in folders:
        touch(tmp_path / folder / "a/1.png", tmp_path / folder / "b/1.png")
    index = index_folder(tmp_path)
    assert index.class_names == ("a", "b")
    assert {item.path.split("/")[0]: item.split for item in index.items} == expected
    renamed = [f"{name}/ as {split}" for name, split in sorted(expected.items()) if name.lower() != split]
    assert [finding.message for finding in index.findings] == (
        [f"read {', '.join(renamed)}"] if renamed else []
    )


def test_a_split_inside_a_folder_of_its_name(tmp_path: Path) -> None:
    for split in ("training_set", "test_set"):
        touch(tmp_path / split / split / "cats/1.png", tmp_path / split / split / "dogs/1.png")
    index = index_folder(tmp_path)
    assert index.class_names == ("cats", "dogs")
    assert {item.split for item in index.items} == {"train", "test"}


def test_what_systems_leave_is_neither_class_nor_image(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/1.png", tmp_path / "a/@eaDir/1.png/thumb.jpg")
    for name in ("@eaDir", "$RECYCLE.BIN", "lost+found", ".thumbnails", "__MACOSX", ".ipynb_checkpoints"):
        touch(tmp_path / name / "x.jpg")
    index = index_folder(tmp_path)
    assert (index.class_names, len(index.items), index.loose) == (("a", "b"), 2, ())
    assert len(index.clutter) == 7 and "a/@eaDir/" in index.clutter


def test_images_in_no_class_folder_are_passed_over_as_such(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/1.png", tmp_path / "loose.jpg", tmp_path / "readme.md")
    index = index_folder(tmp_path)
    assert (index.loose, index.others) == (("loose.jpg",), ("readme.md",))


def test_the_same_file_by_a_link_counts_once(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/1.png")
    (tmp_path / "a/2.png").symlink_to("1.png")
    (tmp_path / "a/3.png").hardlink_to(tmp_path / "a/1.png")
    (tmp_path / "b/1a.png").symlink_to("../a/1.png")
    index = index_folder(tmp_path)
    # The link in b contradicts, and is left to the audit, which knows the bytes of both.
    assert [item.path for item in index.items] == ["a/1.png", "b/1.png", "b/1a.png"]
    assert [(f.kind, f.paths) for f in index.findings] == [("same file", ("a/2.png", "a/3.png"))]


def test_links_to_a_folder_above_are_passed_over_and_said(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/1.png")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "b/up").symlink_to("..")
    index = index_folder(tmp_path)
    assert (index.class_names, len(index.items)) == (("a", "b"), 2)
    assert [(f.kind, f.paths) for f in index.findings] == [("circular link", ("again/", "b/up/"))]


def test_a_table_in_a_folder_without_classes_is_the_way_out(tmp_path: Path) -> None:
    touch(tmp_path / "1.png", tmp_path / "labels.csv")
    with pytest.raises(DataError) as caught:
        index_folder(tmp_path)
    assert "labels.csv" in caught.value.hint
