"""CSV logs, as Keras and Lightning write them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.logs.formats.csv_log import read_csv_log
from dlpractice.errors import RunError

LIGHTNING = Path(__file__).parents[2] / "sample_logs" / "lightning_metrics.csv"


def test_a_real_csv_logger(keras_logs: SimpleNamespace) -> None:
    record = read_csv_log(keras_logs.csv, {})
    assert record.kind == "CSV log"
    assert record.curves["val_loss"].values == pytest.approx(keras_logs.history["val_loss"], rel=1e-6)
    assert record.curves["accuracy"].at == tuple(float(epoch) for epoch in range(1, 26))


def test_real_lightning_metrics() -> None:
    record = read_csv_log(LIGHTNING, {})
    assert record.kind == "Lightning metrics"
    assert set(record.curves) == {"loss", "val_loss", "val_accuracy"}
    assert record.curves["loss"].at == tuple(float(epoch) for epoch in range(1, 13))
    assert record.curves["loss"].values[0] == 0.6430758237838745
    assert record.curves["val_loss"].values[:2] == (0.5332227945327759, 0.42990443110466003)
    assert record.unused == ("train_loss_step",)


def test_steps_are_averaged_where_they_are_asked_for() -> None:
    record = read_csv_log(LIGHTNING, {"loss": "train_loss_step"})
    assert record.curves["loss"].values[0] == pytest.approx((0.6532216668128967 + 0.4825758635997772) / 2)


def test_semicolons_and_lines_without_epochs(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("loss;val_loss\n0.5;0.6\n0.4;nan\n")
    record = read_csv_log(file, {})
    assert record.curves["loss"].at == (1.0, 2.0)
    file.write_text("epoch,loss\n3,0.5\n4,low\n")
    with pytest.raises(RunError, match=r"log\.csv:3 loss must be a number; got 'low'"):
        read_csv_log(file, {})
    file.write_text("a,b\n1,2\n")
    with pytest.raises(RunError, match="no column of losses or accuracies; it has a, b") as unnamed:
        read_csv_log(file, {})
    assert "--column val_loss=COLUMN" in unnamed.value.hint
    file.write_text("")
    with pytest.raises(RunError, match="it has none") as empty:
        read_csv_log(file, {})
    assert "a line with the names of its columns" in empty.value.hint
