import os
from pathlib import Path

import pytest

from dlpractice.data.storage.cache import cache_dir, data_dirs, writing
from dlpractice.errors import DataError


def test_the_variable_names_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "here"))
    assert cache_dir() == tmp_path / "here"
    monkeypatch.setenv("DLP_CACHE_DIR", " ")
    assert cache_dir().name == "dlpractice"


def test_data_folders_are_listed_in_order_without_empty_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_dirs() == []
    monkeypatch.setenv("DLP_DATA_DIR", os.pathsep.join(["/a", "", "/b"]))
    assert data_dirs() == [Path("/a"), Path("/b")]


def test_a_cache_that_cannot_be_written_names_folder_and_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="file/inside") as caught, writing(tmp_path / "file" / "inside"):
        pass
    assert "DLP_CACHE_DIR" in caught.value.hint
