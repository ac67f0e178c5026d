"""The curves of scikit-learn's own net."""

import json
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.scikit_learn import find_curves, read_curves

FILE = Path(__file__).parents[2] / "sample_logs" / "small" / "scikit_learn.json"


def test_a_real_net() -> None:
    written = json.loads(FILE.read_text())
    assert find_curves(FILE) == FILE
    record = read_curves(FILE, {})
    assert record.curves["loss"].values == tuple(written["loss_curve_"])
    assert record.curves["val_accuracy"].values == tuple(written["validation_scores_"])


def test_scores_of_a_regression_are_no_accuracies(tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    file.write_text('{"loss_curve": [2, 1], "validation_scores": [-0.5, 0.5]}')
    record = read_curves(file, {})
    assert (set(record.curves), record.unused) == ({"loss"}, ("validation_scores",))


@pytest.mark.parametrize("text", ['{"loss": [1]}', "{"])
def test_other_json_is_left_to_others(text: str, tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text(text)
    assert find_curves(tmp_path / "h.json") is None
