import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dlpractice.data.storage.downloads import Download, fetch
from dlpractice.errors import ModelError
from dlpractice.models.weights import find_pinned
from dlpractice.registry.backbones import BACKBONES
from dlpractice.settings import cache_dir, data_dirs


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_variable_names_the_cache(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for spelling in (str(home / "here"), "~/here", " ~/here "):
        monkeypatch.setenv("DLP_CACHE_DIR", spelling)
        assert cache_dir() == home / "here"
    monkeypatch.setenv("DLP_CACHE_DIR", " ")
    assert cache_dir().name == "dlpractice"


def test_data_folders_are_listed_in_order_without_empty_entries(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    assert data_dirs() == []
    monkeypatch.chdir(home)
    monkeypatch.setenv("DLP_DATA_DIR", os.pathsep.join(["/a", "", "~/b", " ", "c"]))
    assert data_dirs() == [Path("/a"), home / "b", home / "c"]


@pytest.mark.parametrize("spell", [str, lambda path: f"~/{path.name}"], ids=["absolute", "tilde"])
def test_data_sets_and_weights_are_looked_for_in_the_same_folder(
    monkeypatch: pytest.MonkeyPatch, home: Path, spell: Callable[[Path], str]
) -> None:
    prepared = home / "prepared"
    vgg16 = BACKBONES["vgg16"]
    assert vgg16.pinned is not None
    for name in ("cats/images.zip", vgg16.pinned.file):
        (prepared / name).parent.mkdir(parents=True)
        (prepared / name).write_text("not what it should be")
    monkeypatch.setenv("DLP_DATA_DIR", spell(prepared))
    assert fetch(Download("cats/images.zip", "https://nowhere.invalid")) == prepared / "cats/images.zip"
    find_pinned.cache_clear()
    with pytest.raises(ModelError, match=f"{prepared / vgg16.pinned.file}: not a Keras weights file"):
        find_pinned(vgg16)
    find_pinned.cache_clear()
