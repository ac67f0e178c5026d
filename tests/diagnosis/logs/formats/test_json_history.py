"""Keras's history as JSON, as Keras itself gives it."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.logs.formats.json_history import read_history
from dlpractice.diagnosis.logs.texts.json_text import read_document
from dlpractice.errors import RunError


def test_a_real_history(keras_logs: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text(json.dumps(keras_logs.history))
    record = read_history(file, read_document(file), {})
    assert set(record.curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert record.curves["val_loss"].values == tuple(keras_logs.history["val_loss"])
    assert record.curves["val_loss"].at == tuple(float(epoch) for epoch in range(1, 26))
    assert record.missing == ()


def test_a_dump_of_the_whole_object_and_numbers_that_are_none() -> None:
    document = {"epoch": [0, 1], "history": {"loss": [0.5, float("nan")], "custom": [1, 2]}}
    record = read_history(Path("h.json"), document, {})
    assert math.isnan(record.curves["loss"].values[1])
    assert record.unused == ("custom",)


def test_scalars_beside_the_lists_are_passed_over() -> None:
    document = {"monitor_metric": "val_loss", "train_loss": [0.5, 0.4], "val_loss": [0.6, 0.5]}
    assert set(read_history(Path("h.json"), document, {}).curves) == {"loss", "val_loss"}


def test_names_in_the_place_of_numbers_are_refused() -> None:
    with pytest.raises(RunError, match="no list of losses or accuracies: loss is 'train_loss'"):
        read_history(Path("h.json"), {"loss": "train_loss", "val_loss": "val_loss"}, {})
    with pytest.raises(RunError, match=r"h\.json loss must be a number; got 'low'"):
        read_history(Path("h.json"), {"loss": ["low", "lower"]}, {})


def test_nulls_are_epochs_without_a_measurement_or_what_became_of_nan() -> None:
    every_third = [None, None, 0.5, None, None, 0.4, None]
    lost = [0.5, 0.6, None, None]
    record = read_history(Path("h.json"), {"loss": lost, "val_loss": every_third}, {})
    assert (record.curves["val_loss"].at, record.curves["val_loss"].values) == ((3.0, 6.0), (0.5, 0.4))
    assert record.curves["loss"].at == (1.0, 2.0, 3.0, 4.0)
    assert math.isnan(record.curves["loss"].values[-1])
