"""Records, as pandas wrote them and as loops keep them."""

import json
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.json_records import find_records, read_records

SMALL = Path(__file__).parents[2] / "sample_logs" / "small"


@pytest.mark.parametrize("orient", ["records", "index", "table"])
def test_what_pandas_wrote(orient: str) -> None:
    file = SMALL / f"pandas_{orient}.json"
    written = json.loads((SMALL / "scikit_learn.json").read_text())
    assert find_records(file) == file
    record = read_records(file, {})
    assert record.curves["loss"].values == pytest.approx(written["loss_curve_"], abs=1e-9)
    assert record.curves["val_accuracy"].values == pytest.approx(written["validation_scores_"], abs=1e-9)


def test_records_with_splits_in_them(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    rows = [{"epoch": n, "train": {"loss": 2.0}, "val": {"loss": 3.0, "acc": 50}} for n in range(6)]
    file.write_text(json.dumps({"net": "vgg", "history": rows}))
    record = read_records(file, {})
    assert record.columns == {"loss": "train/loss", "val_loss": "val/loss", "val_accuracy": "val/acc"}


@pytest.mark.parametrize(
    "text", ['{"loss": [1, 2]}', "[1, 2]", '[{"name": "cat"}]', "{", '{"loss": {"0": 1, "1": 2}}']
)
def test_other_json_is_left_to_others(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(text)
    assert find_records(tmp_path / "log.json") is None
