import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dlpractice.data.files.index import read_index
from dlpractice.data.sets.catalogue import CATALOGUE, OMNIGLOT_FILE, find, sample_glyphs, state
from dlpractice.errors import DataError
from dlpractice.progress import Silent

Classes = Callable[..., Path]


def test_rows_have_their_own_name_and_say_what_they_are() -> None:
    assert all(name == row.name and row.about and row.source for name, row in CATALOGUE.items())


def test_digits_are_scikit_learns() -> None:
    assert state(CATALOGUE["digits"]) == "local"
    folder = find("digits")
    assert state(CATALOGUE["digits"]) == "ready"
    digits = load_digits()
    index = read_index(folder)
    assert len(index.items) == CATALOGUE["digits"].images == 1797
    assert index.class_names == tuple("0123456789")
    for number in (0, 17, 1796):
        with Image.open(folder / str(digits.target[number]) / f"{number:04d}.png") as image:
            np.testing.assert_allclose(np.asarray(image) * (16 / 255), digits.images[number], atol=0.04)
    assert find("digits") == folder


def test_glyphs_are_written_as_they_are_generated() -> None:
    folder = find("glyphs")
    examples = sample_glyphs(Silent())
    assert len(list(folder.rglob("*.png"))) == CATALOGUE["glyphs"].images == len(examples)
    for number in (0, 777, len(examples) - 1):
        with Image.open(folder / f"{examples.paths[number]}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), examples.pixels[number][..., 0])


def test_omniglot_is_local_with_all_three_archives_only(tiny_omniglot: Any) -> None:
    assert state(CATALOGUE["omniglot"]) == "local"
    (tiny_omniglot.folder / "all_runs.zip").rename(tiny_omniglot.folder / "runs.zip")
    assert state(CATALOGUE["omniglot"]) == "to download"


def test_what_cannot_be_made_leaves_nothing(tiny_omniglot: Any, own_cache: Path) -> None:
    (tiny_omniglot.folder / "images_background.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="no intact zip"):
        find("omniglot")
    assert [path.name for path in (own_cache / "data").rglob("*") if path.is_file()] == [".lock"]
    tiny_omniglot.write()
    assert (find("omniglot") / OMNIGLOT_FILE).is_file()


@pytest.fixture
def pack(classes: Classes, tmp_path: Path) -> Callable[..., None]:
    """Writes an archive of two photographs of each class, laid out as the published one, into a folder."""

    def write(folder: str, start: int = 0) -> None:
        photos = classes(1, ("cats", "dogs"), folder=f"photos-{start}", start=start)
        archive = tmp_path / folder / "cats-dogs/cats_and_dogs_filtered.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive, "w") as opened:
            for split in ("train", "validation"):
                for name in ("cats", "dogs"):
                    opened.write(photos / name / "000.png", f"cats_and_dogs_filtered/{split}/{name}/0.png")

    return write


def test_cats_and_dogs_come_from_the_data_folder(
    pack: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack("prepared")
    assert state(CATALOGUE["cats-dogs"]) == "to download"
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path / "prepared"))
    assert state(CATALOGUE["cats-dogs"]) == "local"
    index = read_index(find("cats-dogs"))
    assert index.class_names == ("cats", "dogs")
    assert [item.split for item in index.items] == ["train", "train", "validation", "validation"]


def test_other_files_make_another_data_set(
    pack: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def photograph() -> bytes:
        index = read_index(find("cats-dogs"))
        return index.file(index.items[0]).read_bytes()

    pack("one")
    pack("two", start=50)
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path / "one"))
    first = photograph()
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path / "two"))
    assert photograph() != first
    # What was made stays, even where its files do not.
    monkeypatch.delenv("DLP_DATA_DIR")
    assert state(CATALOGUE["cats-dogs"]) == "ready"
    assert photograph() != first


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(DataError) as caught:
        find("cat-dogs")
    assert "cats-dogs, digits" in caught.value.hint


def test_what_a_killed_writer_left_is_replaced() -> None:
    folder = find("digits")
    left = folder.parent / ".dlp-abcdefgh/partial/0/old.png"
    shutil.rmtree(folder)
    left.parent.mkdir(parents=True)
    left.touch()
    (left.parents[2] / ".lock").touch()  # whose process is gone
    assert len(read_index(find("digits")).items) == 1797
    assert not left.exists()
