"""Which classes a folder holds."""

from pathlib import Path

import pytest

from dlpractice.data.files.index_items import IMAGES
from dlpractice.errors import DataError
from dlpractice.recipes.inference.enrolment import find_classes


def test_classes_are_folders_or_single_files(tmp_path: Path) -> None:
    for name in ("Eve.png", "adam/2.jpg", "adam/1.png", "Greek/alpha/x.png", ".hidden.png"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    assert find_classes(tmp_path, IMAGES) == {
        "Eve": ["Eve.png"],
        "Greek/alpha": ["Greek/alpha/x.png"],
        "adam": ["adam/1.png", "adam/2.jpg"],
    }


def test_two_spellings_of_a_folder_are_one_class(tmp_path: Path) -> None:
    for name in ("caf\u00e9/1.png", "cafe\u0301/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = find_classes(tmp_path, IMAGES)
    assert {name: sorted(inside) for name, inside in found.items()} == {
        "caf\u00e9": ["cafe\u0301/2.png", "caf\u00e9/1.png"]
    }


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ([], "holds no images$"),
        (["a/1.npy", "b/2.npy"], r"holds no images; there are 2 files \*\.npy"),
        (["a.png", "a.jpg"], r"two classes of one name: a \(a\.jpg, a\.png\)"),
        (["a.png", "a/1.jpg"], r"two classes of one name: a \(a\.png, a/1\.jpg\)"),
        (["a.png", "b.pdf", "c/"], r"no example of a class: b\.pdf, c"),
        (["a.png", "c/notes.txt"], "no example of a class: c"),
        (["a.png", "unknown/1.png"], "a class called unknown"),
        (["caf\u00e9.png", "cafe\u0301.png"], "two classes of one name: caf\u00e9"),
        (["a.png", "b\udce9/1.png"], "no readable text"),
    ],
)
def test_what_would_leave_out_or_mix_classes_is_refused(tmp_path: Path, files: list[str], match: str) -> None:
    for name in files:
        target = tmp_path / name
        (target if name.endswith("/") else target.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            target.touch()
    with pytest.raises(DataError, match=match):
        find_classes(tmp_path, IMAGES)
    with pytest.raises(DataError, match="there is no folder"):
        find_classes(tmp_path / "none", IMAGES)
