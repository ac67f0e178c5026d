"""Charts as Weights & Biases exports them: it is a service, so the columns are made after its pages."""

from pathlib import Path

import pytest

from dlpractice.diagnosis.logs.formats.wandb import find_export, read_export
from dlpractice.errors import RunError


def write(folder: Path, *names: str) -> Path:
    columns = [f"{name}{bound}" for name in names for bound in ("", "__MIN", "__MAX")]
    rows = [[f"{n}", *(f"{(k // 3) + n / 10}" for k in range(len(columns)))] for n in range(8)]
    lines = [["Step", *columns], *rows]
    file = folder / "wandb_export.csv"
    file.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in lines))
    return file


def test_a_chart_of_one_run(tmp_path: Path) -> None:
    file = write(tmp_path, "eager-sky-7 - train/loss", "eager-sky-7 - val/loss")
    assert find_export(file) == file
    record = read_export(file, {})
    assert record.curves["loss"].values[:2] == (0.0, 0.1)
    assert record.curves["val_loss"].values[:2] == (1.0, 1.1)
    assert record.clock == "step"
    assert record.unused == ()


def test_of_several_runs_one_has_to_be_chosen(tmp_path: Path) -> None:
    file = write(tmp_path, "eager-sky-7 - loss", "calm-sea-8 - loss")
    with pytest.raises(RunError, match="no column of losses") as error:
        read_export(file, {})
    assert error.value.hint == "it holds 2 runs; choose one, such as --column 'loss=eager-sky-7 - loss'"
    record = read_export(file, {"loss": "calm-sea-8 - loss"})
    assert record.curves["loss"].values[0] == 1.0


def test_other_tables_are_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("epoch,a - loss\n1,0.5\n")
    assert find_export(tmp_path / "log.csv") is None
    assert find_export(tmp_path) is None
