import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlpractice.data.files.folder_walk import Walk, find_files
from dlpractice.data.files.index_items import IMAGES
from dlpractice.errors import PathError


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
    assert sorted(walk.files(tmp_path)) == ["a/1.png", "b/2.png"]
    assert sorted(walk.circles) == ["a/b/", "b/a/"]


def test_folders_behind_links_are_entered_once_however_many_paths_lead_there(tmp_path: Path) -> None:
    """Fourteen folders, each with links to all: 14! paths, of which none may be walked twice."""
    names = "abcdefghijklmn"
    touch(*(tmp_path / "pool" / name / f"{name}.png" for name in names))
    for name in names:
        for other in names.replace(name, ""):
            (tmp_path / "pool" / name / f"to-{other}").symlink_to(f"../{other}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/in").symlink_to("../pool/a")
    walk = Walk(tmp_path / "data")
    found = sorted(walk.files(walk.root))
    assert sorted(path.rpartition("/")[2] for path in found) == [f"{name}.png" for name in names]
    assert len(walk.circles) == 14 * 13 - 13


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path below `tmp_path` of a folder in 1,499 others; it is removed again, which pytest cannot."""
    depth = 1500
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        os.mkdir("x")
        os.chdir("x")
    yield "/".join("x" * depth)
    subprocess.run(["rm", "-r", tmp_path / "x"], check=True)


def test_a_deep_folder_is_walked(tmp_path: Path, deep: str) -> None:
    Path("1.png").touch()
    assert find_files(tmp_path, IMAGES) == ([f"{deep}/1.png"], [])


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="cannot read the folder"):
        find_files(tmp_path / "none", IMAGES)


def test_a_link_to_itself_is_left_to_those_who_open_it(tmp_path: Path) -> None:
    touch(tmp_path / "1.png")
    (tmp_path / "2.png").symlink_to("2.png")
    assert find_files(tmp_path, IMAGES) == (["1.png", "2.png"], [])
