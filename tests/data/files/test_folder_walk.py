from pathlib import Path

import pytest

from dlpractice.data.files.folder_walk import Walk, find_files
from dlpractice.data.files.index_items import IMAGES
from dlpractice.errors import DataError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_at_any_depth_in_order(tmp_path: Path) -> None:
    touch(tmp_path / "b.png", tmp_path / "a/2.jpg", tmp_path / "a/x.txt", tmp_path / ".c.png")
    assert find_files(tmp_path, IMAGES) == (["a/2.jpg", "b.png"], ["a/x.txt"])


def test_two_folders_that_link_to_each_other(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.png", tmp_path / "b/2.png")
    (tmp_path / "a/b").symlink_to("../b")
    (tmp_path / "b/a").symlink_to("../a")
    walk = Walk(tmp_path)
    assert list(walk.files(tmp_path)) == ["a/1.png", "a/b/2.png", "b/2.png", "b/a/1.png"]
    assert walk.circles == ["a/b/a/", "b/a/b/"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the folder"):
        find_files(tmp_path / "none", IMAGES)


def test_a_link_to_itself_is_left_to_those_who_open_it(tmp_path: Path) -> None:
    touch(tmp_path / "1.png")
    (tmp_path / "2.png").symlink_to("2.png")
    assert find_files(tmp_path, IMAGES) == (["1.png", "2.png"], [])
