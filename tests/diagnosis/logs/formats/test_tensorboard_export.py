"""Charts as TensorBoard's page exports them; the plug-in that does it runs in its server alone."""

import json
from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.tensorboard_export import find_export, read_export
from dlpractice.errors import RunError


def write(folder: Path, name: str, values: list[float], kind: str = "csv") -> None:
    """Three columns as `ScalarsPlugin.scalars_impl` writes them, or its lists."""
    events = [[1700000000.5 + step, step, value] for step, value in enumerate(values)]
    lines = "\r\n".join(["Wall time,Step,Value", *(",".join(map(str, event)) for event in events)])
    (folder / f"{name}.{kind}").write_text(lines if kind == "csv" else json.dumps(events))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_folder_of_charts(kind: str, tmp_path: Path) -> None:
    write(tmp_path, "run-train-tag-epoch_loss", [1.0, 0.5, 0.25], kind)
    write(tmp_path, "run-validation-tag-epoch_loss", [1.5, 1.0, 0.75], kind)
    assert find_export(tmp_path) == tmp_path
    record = read_export(tmp_path, {})
    assert record.curves["loss"].values == (1.0, 0.5, 0.25)
    assert record.curves["val_loss"].values == (1.5, 1.0, 0.75)
    assert (record.clock, record.curves["loss"].at) == ("epoch", (1.0, 2.0, 3.0))


def test_a_single_chart_is_named_by_its_file(tmp_path: Path) -> None:
    write(tmp_path, "run-.-tag-Loss_val", [1.0, 0.5])
    write(tmp_path, "chart", [1.0, 0.5])
    assert set(read_export(tmp_path / "run-.-tag-Loss_val.csv", {}).curves) == {"val_loss"}
    with pytest.raises(RunError, match="it has chart") as error:
        read_export(tmp_path / "chart.csv", {})
    assert "--column loss=NAME" in error.value.hint
    assert set(read_export(tmp_path / "chart.csv", {"loss": "chart"}).curves) == {"loss"}


def test_damage_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "loss.csv").write_text("Wall time,Step,Value\n1700000000,1,low\n")
    with pytest.raises(RunError, match="without a step or a value"):
        read_export(tmp_path / "loss.csv", {})
    (tmp_path / "loss.csv").write_text("epoch,loss\n1,2\n")
    (tmp_path / "loss.json").write_text("[[1, 2, 3]]")
    assert find_export(tmp_path) is None
