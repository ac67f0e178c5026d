"""JSON files of a run: what is written is read, and what is damaged is named with its file and key."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from dlpractice.errors import RunError
from dlpractice.runs.contract.document import (
    Count,
    Document,
    Number,
    Text,
    key,
    read_document,
    write_document,
)


class Sample(Document):
    FILE = "a.json"

    count: Count = key("A count.")
    share: Number | None = key("A share.")
    names: dict[Text, list[Text]] = key("Names.")
    inner: dict[Text, dict[Text, Any]] = key("More.")


def put(folder: Path, text: str) -> Path:
    (folder / "a.json").write_text(text)
    return folder / "a.json"


def test_numpy_and_paths_are_written_as_json_has_them(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    document = {
        "count": np.int64(2),
        "share": np.float32(0.5),
        "a": np.arange(3),
        "b": (Path("x"), np.bool_(1)),
    }
    write_document(path, Sample, document)
    assert json.loads(path.read_text())["schema"] == 1
    assert read_document(path, Sample) == {"count": 2, "share": 0.5, "a": [0, 1, 2], "b": ["x", True]}


def test_what_is_not_finite_is_null(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_document(path, Sample, {"share": math.nan, "b": [math.inf, 1.0], "c": np.array([np.nan, 2.0])})
    found = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert found == {"schema": 1, "share": None, "b": [None, 1.0], "c": [None, 2.0]}


def test_what_the_model_does_not_allow_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="count"):
        write_document(tmp_path / "a.json", Sample, {"count": "two"})
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"a": }', r"a\.json:2 is not JSON"),
        ("[1]", r"a\.json must hold a JSON object; got a list of 1"),
        ("", r"a\.json:1 is not JSON"),
        ("null", "must hold a JSON object; got null"),
        ("[" * 100_000, r"a\.json is nested too deeply"),
        ('{"count": ' + "1" * 5000 + "}", r"a\.json holds a number with thousands of digits"),
        ('{"count": null}', r"a\.json: count must be a whole number; got null"),
        ('{"count": true}', r"a\.json: count must be a whole number; got true"),
        ('{"count": 1e300}', r"a\.json: count must be a whole number; got 1e\+300"),
        ('{"share": NaN}', r"a\.json: share must be a finite number; got NaN"),
        ('{"share": "0.5"}', r"a\.json: share must be a number; got .0\.5"),
        ('{"names": []}', r"a\.json: names must be a mapping; got a list of 0"),
        ('{"names": {"x": [1]}}', r"a\.json: names\.x\.0 must be text; got 1"),
        ('{"schema": 2}', r"a\.json has schema 2; this version of dlp reads up to 1"),
        ('{"schema": null}', r"a\.json: schema must be a whole number from 1; got null"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = put(tmp_path, text)
    with pytest.raises(RunError, match=message) as refused:
        read_document(path, Sample)
    assert refused.value.hint


def test_a_file_from_before_there_was_a_schema_is_read(tmp_path: Path) -> None:
    assert read_document(put(tmp_path, '{"count": 3, "later": {"x": 1}}'), Sample) == {
        "count": 3,
        "later": {"x": 1},
    }


def test_a_byte_order_mark_does_no_harm_and_utf_16_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_document(path, Sample) == {}
    path.write_text("{}", encoding="utf-16")
    with pytest.raises(RunError, match=r"a\.json is UTF-16"):
        read_document(path, Sample)


def test_whoever_asks_for_a_key_that_is_missing_is_told_of_the_file(tmp_path: Path) -> None:
    found = read_document(put(tmp_path, '{"inner": {"x": {"y": 1}}}'), Sample)
    assert found.get("count") is None
    with pytest.raises(RunError, match=r"a\.json: count is missing"):
        found["count"]
    with pytest.raises(RunError, match=r"a\.json: inner\.x\.z is missing"):
        found["inner"]["x"]["z"]
    assert json.loads(json.dumps(found)) == found
