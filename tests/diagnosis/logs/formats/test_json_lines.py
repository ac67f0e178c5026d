"""JSON Lines, of pandas, whole and damaged."""

import json
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.json_lines import find_lines, read_json_lines
from dlpractice.errors import RunError

SMALL = Path(__file__).parents[2] / "sample_logs" / "small"
DEIT = [
    {"train_lr": 1e-4, "train_loss": 2.4, "test_loss": 2.1, "test_acc1": 43.65, "epoch": n} for n in range(6)
]


def test_what_pandas_wrote() -> None:
    file = SMALL / "pandas_lines.jsonl"
    losses = json.loads((SMALL / "scikit_learn.json").read_text())["loss_curve_"]
    assert find_lines(file) == file
    assert read_json_lines(file, {}).curves["loss"].values == pytest.approx(losses, abs=1e-9)


def test_a_log_of_deit(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text("\n".join(map(json.dumps, DEIT)) + "\n")
    assert find_lines(file) == file
    record = read_json_lines(file, {})
    assert record.curves["val_accuracy"].values[0] == pytest.approx(0.4365)
    assert record.curves["learning_rate"].at == (1, 2, 3, 4, 5, 6)


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"loss": 0.9, "at": "noon"}\n\n{"loss": 0.5, "val_loss": 0.6}\n{"loss": 0.')
    record = read_json_lines(file, {})
    assert (record.curves["loss"].values, record.curves["val_loss"].at) == ((0.9, 0.5), (2.0,))
    assert record.unused == ("at",)
    file.write_text('{"loss": 0.9}\n{"loss": 0.\n{"loss": 0.5}')
    with pytest.raises(RunError, match=r"log\.jsonl:2 is no JSON object"):
        read_json_lines(file, {})


@pytest.mark.parametrize("text", ['{"loss": [1, 2]}\n', '{\n"loss": [1]\n}\n', "loss: 1\nloss: 2\n"])
def test_other_texts_are_left_to_others(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(text)
    assert find_lines(tmp_path / "log.txt") is None
    assert find_lines(tmp_path) is None
