"""JSON, what passes for it, and what does not."""

import math
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.texts.json_text import is_document, parse_literal, read_document
from dlpractice.errors import RunError


def test_what_is_no_document(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    for text, message in (
        ("{", "is not JSON"),
        ("[" * 100_000, "is JSON that nests too deeply"),
        ("9" * 5000, "or has numbers too long"),
    ):
        file.write_text(text)
        with pytest.raises(RunError, match=message):
            read_document(file)
    (tmp_path / "notes.txt").write_text("[2021/11/01] loss: 0.5\n")
    assert not is_document(tmp_path / "notes.txt")


def test_python_s_dictionaries_are_read_and_nothing_is_executed(tmp_path: Path) -> None:
    file = tmp_path / "history.txt"
    file.write_text("{'loss': [np.float32(0.5), nan, 0.25], 'val_loss': [tensor(0.75), -inf]}")
    assert is_document(file)
    found = read_document(file)
    assert found["loss"][::2] == [0.5, 0.25]
    assert math.isnan(found["loss"][1])
    assert found["val_loss"] == [0.75, -math.inf]
    assert parse_literal(f"[__import__('pathlib').Path({str(tmp_path / 'made')!r}).touch()]") is None
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "text", ["history = {'loss': [1.0, 0.5]}\n", "epochs: 2\nloss: [1.0, 0.5]\n", "loss = [1.0, 0.5]\n"]
)
def test_lists_with_a_name_before_them(text: str, tmp_path: Path) -> None:
    file = tmp_path / "h.txt"
    file.write_text(text)
    assert is_document(file)
    assert read_document(file) == {"loss": [1.0, 0.5]}


def test_a_text_of_a_dictionary_in_json(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_text("\"{'loss': [1.0, 0.5]}\"")
    assert read_document(file) == {"loss": [1.0, 0.5]}
    file.write_text('{"loss": [1.0]}')  # the document is read again after a change
    assert read_document(file) == {"loss": [1.0]}
