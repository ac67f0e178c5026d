"""CSV files of a run: what is written is read, and what is damaged is named with its line and column."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import RunError
from dlpractice.runs.atomic_files import write_csv
from dlpractice.runs.contract.document import Count, Text
from dlpractice.runs.contract.rows import MetricRow, PredictionRow, Row, SplitRow, columns_of, read_rows


class Sample(Row):
    name: Text
    epoch: Count | None
    loss: float | None


class Shares(Row):
    x: float


def test_the_columns_are_those_of_the_contract() -> None:
    assert ",".join(columns_of(SplitRow)) == "path,label,split,sha256,group,bound"
    assert ",".join(columns_of(PredictionRow)) == "path,split,label,predicted,confidence,loss"
    assert ",".join(columns_of(MetricRow)) == (
        "stage,epoch,step,seconds,learning_rate,images_per_second,loss,accuracy,val_loss,val_accuracy"
    )
    assert columns_of(Sample) == {"name": str, "epoch": int, "loss": float}


def test_csv_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        {"name": 'x,"y"\nz', "epoch": 1, "loss": 0.1},
        {"name": os.fsdecode(b"caf\xe9.png"), "epoch": None, "loss": math.inf},
        {"name": "日本", "epoch": 2, "loss": None},
        {"name": "", "epoch": np.int64(3), "loss": np.float32(1 / 3)},
        {"name": "a\rb\r\n\0\x1b[31m", "epoch": None, "loss": None},
    ]
    write_csv(path, columns_of(Sample), rows)
    assert b"caf\xe9.png" in path.read_bytes()
    assert path.read_bytes().startswith(b"name,epoch,loss\n")
    back = read_rows(path, Sample)
    assert [row["name"] for row in back] == [row["name"] for row in rows]
    assert [row["epoch"] for row in back] == [1, None, 2, 3, None]
    assert [row["loss"] for row in back[:3]] == [0.1, math.inf, None]
    assert np.float32(back[3]["loss"]) == np.float32(1 / 3)


def test_float32_comes_back_bit_for_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1e-3, 500).astype(np.float32)
    write_csv(tmp_path / "a.csv", columns_of(Shares), ({"x": value} for value in values))
    back = [row["x"] for row in read_rows(tmp_path / "a.csv", Shares)]
    assert np.array_equal(np.array(back, np.float32), values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,epoch\na,1\n", r"a\.csv:1 lacks the column loss"),
        ("", r"a\.csv:1 lacks the column name, epoch, loss"),
        ("name,epoch,loss\na,1,0.5\nb,one,0.5\n", r"a\.csv:3 epoch must be a whole number; got .one"),
        ("name,epoch,loss\na,-1,0.5\n", r"a\.csv:2 epoch must be greater than or equal to 0; got .-1"),
        ("name,epoch,loss\na," + "1" * 5000 + ",0.5\n", r"a\.csv:2 epoch"),
        ("name,epoch,loss\na,1,1\n" + "x" * 200_000 + ",1,1\n", r"a\.csv:3 is not CSV: field larger than"),
        ("name,epoch,loss\na,1\n", r"a\.csv:2 ends before the column loss"),
    ],
)
def test_a_damaged_csv_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RunError, match=message):
        read_rows(tmp_path / "a.csv", Sample)
