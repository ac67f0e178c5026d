"""Results as Ultralytics' libraries write them; the library needs PyTorch, so headers are of its releases."""

from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.ultralytics import find_results, read_results

CLASSIFY = "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr/pg0"
OLD_CLASSIFY = (
    "                  epoch,             train/loss,  metrics/accuracy_top1,               val/loss"
)
_PARTS = ("box_loss", "cls_loss", "dfl_loss")
DETECT = ",".join(
    ["epoch", *(f"train/{p}" for p in _PARTS), "metrics/mAP50(B)", *(f"val/{p}" for p in _PARTS)]
)


def write(folder: Path, header: str) -> Path:
    """Ten epochs in which the k-th column is 0.1 k at first and rises by 0.01 an epoch."""
    width = header.count(",")
    rows = [
        ",".join([f"{epoch:23}", *(f"{0.1 * k + 0.01 * epoch:23.5g}" for k in range(width))])
        for epoch in range(1, 11)
    ]
    (folder / "results.csv").write_text("\n".join([header, *rows]))
    return folder


@pytest.mark.parametrize("header", [CLASSIFY, OLD_CLASSIFY])
def test_classification(header: str, tmp_path: Path) -> None:
    file = find_results(write(tmp_path, header))
    assert file == tmp_path / "results.csv"
    record = read_results(file, {})
    assert record.kind == "Ultralytics results"
    assert {"loss", "val_loss", "val_accuracy"} <= record.curves.keys()
    assert record.columns["val_accuracy"] == "metrics/accuracy_top1"
    assert record.curves["loss"].at == tuple(float(epoch) for epoch in range(1, 11))


def test_the_losses_of_detection_are_added(tmp_path: Path) -> None:
    record = read_results(write(tmp_path, DETECT) / "results.csv", {})
    assert record.curves["loss"].values[0] == pytest.approx(0.01 + 0.11 + 0.21)
    assert record.curves["val_loss"].values[-1] == pytest.approx(0.5 + 0.6 + 0.7)
    assert record.notes[0] == "train/loss is the sum of train/box_loss, train/cls_loss, train/dfl_loss"
    assert "accuracy" not in record.curves
    assert "metrics/mAP50(B)" in record.unused


def test_other_tables_are_left_to_others(tmp_path: Path) -> None:
    assert find_results(tmp_path) is None
    assert find_results(write(tmp_path, "epoch,loss,val_loss")) is None
