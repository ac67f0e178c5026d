import json
from pathlib import Path

import pytest

from dlpractice.benchmark.results_file import SCHEMA, BenchmarkFolder, read_benchmark
from dlpractice.errors import RunError

DOCUMENT = {
    "schema": SCHEMA,
    "command": "benchmark",
    "parts": {"peaks": {"rows": [{"name": "matmul/float32/64", "value": 1.0}]}},
}


def test_what_is_written_is_read_from_the_file_and_from_the_folder(tmp_path: Path) -> None:
    with BenchmarkFolder.create(tmp_path / "b") as folder:
        folder.write_config("command: benchmark\n")
        folder.write_document(DOCUMENT)
        assert folder.document() == DOCUMENT
        assert folder.figure_path("peaks") == tmp_path / "b" / "peaks.png"
    assert read_benchmark(tmp_path / "b") == read_benchmark(tmp_path / "b" / "benchmark.json") == DOCUMENT
    assert (tmp_path / "b" / "config.yaml").read_text() == "command: benchmark\n"
    assert BenchmarkFolder.read(tmp_path / "b").document() == DOCUMENT


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "benchmark.json").write_text("{}")
    with pytest.raises(RunError, match=r"already holds benchmark\.json"):
        BenchmarkFolder.create(tmp_path)


def test_a_folder_without_a_benchmark_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no benchmark\.json"):
        BenchmarkFolder.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold a JSON object"),
        (json.dumps({"command": "finetune"}), "is no result of `dlp benchmark`"),
        (json.dumps(DOCUMENT | {"schema": 99}), "has schema 99; this version of dlp reads up to 1"),
        (json.dumps(DOCUMENT | {"parts": []}), r"other\.json: parts must be a mapping"),
        (
            json.dumps(DOCUMENT | {"parts": {"peaks": {"rows": [{"value": 1}]}}}),
            r"parts\.peaks\.rows\.0\.name is missing",
        ),
    ],
)
def test_what_is_no_benchmark_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(RunError, match=message):
        read_benchmark(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no file .*none\.json"):
        read_benchmark(tmp_path / "none.json")
