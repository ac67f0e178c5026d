"""The record that every reader gives."""

import pytest

from dlpractice.diagnosis.record import Curve, Record, RunFacts


def test_a_curve_has_a_time_for_each_value() -> None:
    with pytest.raises(ValueError, match="a time for each"):
        Curve((1.0, 2.0), (0.5,))


def test_what_is_missing_is_said() -> None:
    record = Record("a.json", "Keras history", {"loss": Curve((1.0,), (0.5,)), "val_loss": Curve((), ())})
    assert record.missing == ("training accuracy", "validation loss", "validation accuracy")
    assert record.curve("val_loss") is None
    assert not record.measures_alike


def test_settings_and_counts_of_a_run() -> None:
    rows = tuple(
        {"label": label, "split": split} for label, split in (("a", "train"), ("b", "train"), ("a", "test"))
    )
    facts = RunFacts("finetune", {"training": {"epochs": 3}}, splits=rows)
    assert facts.setting("training.epochs") == 3
    assert facts.setting("training.epochs.more") is None
    assert (facts.count("train"), facts.count("validation")) == (2, 0)
    assert facts.labels("train") == ["a", "b"]
