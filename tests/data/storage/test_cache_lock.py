from pathlib import Path

import pytest

from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError


def test_a_cache_that_cannot_be_written_names_folder_and_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="file/inside") as caught, writing(tmp_path / "file" / "inside"):
        pass
    assert "DLP_CACHE_DIR" in caught.value.hint
