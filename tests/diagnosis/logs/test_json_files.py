"""Files that should hold a JSON object."""

from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.json_files import read_object
from dlpractice.errors import RunError


def test_what_is_no_json_object(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    for text, message in (("{", "is not JSON"), ("[1]", "holds a list")):
        file.write_text(text)
        with pytest.raises(RunError, match=message):
            read_object(file)
