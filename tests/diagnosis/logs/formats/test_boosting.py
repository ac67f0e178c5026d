"""What XGBoost and LightGBM wrote themselves."""

import json
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.boosting import find_result, read_result

SMALL = Path(__file__).parents[2] / "sample_logs" / "small"


@pytest.mark.parametrize(
    ("name", "train", "val", "loss", "error"),
    [
        ("xgboost", "validation_0", "validation_1", "logloss", "error"),
        ("lightgbm", "training", "valid_1", "binary_logloss", "binary_error"),
    ],
)
def test_real_results(name: str, train: str, val: str, loss: str, error: str) -> None:
    file = SMALL / f"{name}.json"
    written = json.loads(file.read_text())
    assert find_result(file) == file
    record = read_result(file, {})
    assert record.curves["loss"].values == tuple(written[train][loss])
    assert record.curves["val_loss"].values == tuple(written[val][loss])
    assert record.curves["val_accuracy"].values == pytest.approx([1 - v for v in written[val][error]])
    assert (record.clock, record.steps) == ("step", 12.0)


def test_a_single_set_is_validation(tmp_path: Path) -> None:
    file = tmp_path / "evals.json"
    file.write_text('{"validation_0": {"rmse": [3, 2, 1], "mae": [2, 1, 1]}}')
    record = read_result(file, {})
    assert record.curves["val_loss"].values == (3.0, 2.0, 1.0)
    assert record.missing[0] == "training loss"


@pytest.mark.parametrize(
    "text", ['{"loss": [1]}', '{"train": {"loss": [1]}}', '{"cv": {"logloss": [1]}}', "[", "{}"]
)
def test_other_json_is_left_to_others(text: str, tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text(text)
    assert find_result(tmp_path / "h.json") is None
