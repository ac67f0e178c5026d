"""Scalars in the manner of OpenMMLab, whose libraries need PyTorch: lines made after their writers."""

import json
from pathlib import Path
from typing import Any

import pytest

from dlpractice.diagnosis.logs.formats.mmengine import find_scalars, read_scalars


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_validation_belongs_to_the_epoch_before(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for epoch in range(1, 7):
        for n in (50, 100):
            step = 100 * (epoch - 1) + n
            row = {
                "lr": 0.1,
                "data_time": 0.1,
                "loss": 1 / step,
                "time": 0.2,
                "epoch": epoch,
                "iter": step,
                "step": step,
            }
            rows.append(row)
        rows.append({"accuracy/top1": 50.0 + epoch, "data_time": 0.1, "time": 0.2, "step": epoch})
    file = write(tmp_path / "20230101_000000" / "vis_data" / "scalars.json", rows)
    assert find_scalars(tmp_path) == file
    record = read_scalars(file, {})
    assert record.curves["val_accuracy"].at == (1, 2, 3, 4, 5, 6)
    assert record.curves["val_accuracy"].values[0] == pytest.approx(0.51)
    assert record.curves["loss"].values[0] == pytest.approx((1 / 50 + 1 / 100) / 2)
    assert (record.epochs, record.steps) == (6.0, 600.0)


def test_mmcv_says_what_a_row_is(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"env_info": "sys.platform: linux", "seed": 0}]
    for epoch in range(1, 7):
        rows.append({"mode": "train", "epoch": epoch, "iter": 50, "lr": 0.1, "loss": 1.0})
        rows.append(
            {
                "mode": "val",
                "epoch": epoch,
                "iter": 9,
                "lr": 0.1,
                "accuracy_top-1": 60.0,
                "accuracy_top-5": 90.0,
            }
        )
    record = read_scalars(write(tmp_path / "1.log.json", rows), {})
    assert find_scalars(tmp_path) == tmp_path / "1.log.json"
    assert record.columns["val_accuracy"] == "val/accuracy_top-1"
    assert record.curves["val_accuracy"].values == (0.6,) * 6
    assert record.curves["loss"].at == (1, 2, 3, 4, 5, 6)


def test_other_lines_are_left_to_others(tmp_path: Path) -> None:
    assert (
        find_scalars(write(tmp_path / "log.json", [{"epoch": 1, "loss": 1}, {"epoch": 2, "loss": 1}])) is None
    )
    assert find_scalars(tmp_path) is None
