"""The shapes of documents, beside those that pandas itself wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from dlpractice.diagnosis.logs.texts.json_shapes import find_lists, find_rows

SMALL = Path(__file__).parents[2] / "sample_logs" / "small"
LOSSES = json.loads((SMALL / "scikit_learn.json").read_text())["loss_curve_"]


def read(orient: str) -> Any:
    return json.loads((SMALL / f"pandas_{orient}.json").read_text())


@pytest.mark.parametrize(("orient", "name"), [("columns", "loss"), ("split", "loss"), ("values", "0")])
def test_columns_of_pandas(orient: str, name: str) -> None:
    assert find_lists(read(orient))[name] == pytest.approx(LOSSES, abs=1e-9)


@pytest.mark.parametrize("orient", ["index", "records", "table"])
def test_records_of_pandas(orient: str) -> None:
    rows = find_rows(read(orient))
    assert rows is not None
    assert [row["loss"] for row in rows] == pytest.approx(LOSSES, abs=1e-9)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"train": {"loss": [1, 2]}, "n": 3}, "train/loss"),
        ({"history": {"loss": [1, 2]}, "epoch": [0, 1]}, "loss"),
        ({"loss": {"train": [1, 2]}}, "loss/train"),
        ({"loss": "[1, 2]"}, "loss"),
        ({" loss ": [1, 2]}, "loss"),
        ({"loss": [[10, 1], [20, 2]]}, "loss"),
        ({"loss": [[1.7e9, 10, 1], [1.7e9, 20, 2]]}, "loss"),
    ],
)
def test_lists_in_objects(document: Any, name: str) -> None:
    assert find_lists(document)[name] == [1, 2]


@pytest.mark.parametrize(
    "document",
    [
        {"epoch_1": {"loss": 1}, "epoch_2": {"loss": 2}},
        {"1": {"loss": 1}, "2": {"loss": 2}},
        {"config": {"lr": 1}, "history": [{"epoch": 1, "loss": 1}, {"epoch": 2, "loss": 2}]},
    ],
)
def test_records_in_objects(document: Any) -> None:
    rows = find_rows(document)
    assert rows == [{"epoch": 1, "loss": 1}, {"epoch": 2, "loss": 2}]


@pytest.mark.parametrize("document", [3, [], [1, 2], {"a": 1}, "text", None])
def test_other_documents_hold_none(document: Any) -> None:
    assert not find_lists(document)
    assert not find_rows(document)
