"""Tables as records: clocks, phases, units, splits."""

from typing import Any

import numpy as np
import pytest

from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_events, tabulate_lists, tabulate_rows
from dlpractice.diagnosis.record import Record
from dlpractice.errors import RunError


def read_rows(rows: list[dict[str, Any]], **mapping: str) -> Record:
    return interpret(tabulate_rows("log", "rows", rows), mapping)


def read_lists(**lists: list[Any]) -> Record:
    return interpret(tabulate_lists("log", "lists", lists), {})


def read_events(*events: tuple[str, float, float]) -> Record:
    return interpret(tabulate_events("log", "events", events), {})


def test_epochs_from_0_are_numbered_from_1_and_others_are_left_alone() -> None:
    assert read_rows([{"epoch": n, "loss": 1.0} for n in range(6)]).curves["loss"].at == (1, 2, 3, 4, 5, 6)
    late = read_rows([{" Epoch": 10 * n, "loss": 1.0} for n in range(1, 7)])
    assert late.curves["loss"].at == (10, 20, 30, 40, 50, 60)
    assert (late.clock, late.epochs, late.steps) == ("epoch", 60.0, None)


def test_entries_of_fractional_epochs_are_no_epochs() -> None:
    record = read_rows([{"epoch": n / 22, "step": 10 * n, "loss": 1.0} for n in range(1, 67)])
    assert (record.clock, record.epochs, record.steps) == ("epoch", 3.0, 660.0)
    assert len(record.curves["loss"]) == 66


def test_steps_are_kept_within_few_epochs_and_averaged_over_many() -> None:
    rows = [{"epoch": n // 10, "step": n, "train_loss": float(n)} for n in range(30)]
    few = read_rows([*rows, {"epoch": 2, "step": 29, "val_loss": 1.0}])
    assert (few.clock, len(few.curves["loss"]), few.curves["val_loss"].at) == ("step", 30, (29.0,))
    many = read_rows([{"epoch": n // 10, "step": n, "train_loss": float(n)} for n in range(60)])
    assert (many.clock, many.curves["loss"].values[:2]) == ("epoch", (4.5, 14.5))
    assert many.notes == ("the values of an epoch were averaged, up to 10 of them",)


def test_rows_of_an_epoch_without_steps_lie_evenly_in_it() -> None:
    record = read_rows([{"epoch": n // 4, "loss": 1.0} for n in range(8)])
    assert record.curves["loss"].at == (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)


def test_iterations_are_steps() -> None:
    record = read_rows([{"iter": 500 * n, "train_loss": 1.0} for n in range(1, 7)])
    assert (record.clock, record.steps, record.curves["loss"].at[0]) == ("step", 3000.0, 500.0)


@pytest.mark.parametrize(("count", "validated", "clock"), [(15, True, "epoch"), (3000, False, "step")])
def test_steps_that_nobody_counted(count: int, validated: bool, clock: str) -> None:
    events = [("loss", float(n), 1.0) for n in range(count)]
    record = read_events(*events, *[("val/loss", float(n), 1.0) for n in range(count * validated)])
    assert record.clock == clock
    assert record.curves["loss"].at[0] == (1.0 if clock == "epoch" else 0.0)


def test_steps_are_mapped_by_an_epoch_that_was_logged() -> None:
    events = [
        (name, 200.0 * n - 1, value)
        for n in range(1, 7)
        for name, value in (("loss", 0.5), ("epoch", n - 1.0))
    ]
    record = read_events(*events)
    assert (record.clock, record.curves["loss"].at, record.steps) == ("epoch", (1, 2, 3, 4, 5, 6), 1199.0)


def test_steps_beside_epochs_are_laid_over_them() -> None:
    events = [("train/loss", float(n), 1.0) for n in range(750)]
    record = read_events(*events, *[("val/loss", float(n), 1.0) for n in range(15)])
    assert (record.clock, record.curves["loss"].at[-1]) == ("epoch", 15.0)
    assert record.curves["loss"].at[49] == pytest.approx(1.0)
    assert record.notes[0].endswith("50 of its values were taken for an epoch")


def test_lists_are_epochs_unless_they_are_long() -> None:
    assert read_lists(loss=[1.0] * 20).clock == "epoch"
    assert read_lists(loss=[1.0] * 5000).clock == "entry"
    both = read_lists(train_loss=[1.0] * 5000, val_loss=[1.0] * 20)
    assert (both.clock, both.curves["loss"].at[-1]) == ("epoch", 20.0)


def test_a_log_that_was_appended_to_is_taken_apart() -> None:
    rows = [{"epoch": n, "loss": loss - 0.1 * n} for loss in (1.2, 0.7) for n in range(6)]
    record = read_rows(rows)
    assert record.curves["loss"].values[0] == 0.7
    assert record.notes == (
        "it holds 2 trainings, with their numbers of values: phase 1 (6), phase 2 (6); phase 2 is judged",
    )


def test_a_last_phase_that_is_too_short_is_not_judged() -> None:
    rows = [{"epoch": n, "loss": 1.0} for n in range(6)] + [{"epoch": 0, "loss": 2.0}]
    assert read_rows(rows).curves["loss"].values == (1.0,) * 6


def test_what_a_resumed_training_lost_is_left_out() -> None:
    rows = [{"epoch": n, "loss": 1.0} for n in range(8)] + [{"epoch": n, "loss": 2.0} for n in range(6, 10)]
    record = read_rows(rows)
    assert record.curves["loss"].values == (1.0,) * 6 + (2.0,) * 4
    assert record.notes == ("it was resumed at epoch 7; what was lost is left out",)


@pytest.mark.parametrize("names", [(1, 2, 3), ("a", "b", "c")])
def test_folds_are_taken_apart_by_their_column(names: tuple[Any, ...]) -> None:
    rows = [{"fold": name, "epoch": n, "loss": float(k)} for n in range(6) for k, name in enumerate(names)]
    record = read_rows(rows)
    assert record.curves["loss"].values == (2.0,) * 6
    assert record.notes[0].endswith(f"fold {names[2]} (6); fold {names[2]} is judged")


def test_a_log_from_the_newest_to_the_oldest_is_one_training() -> None:
    rows = [{"epoch": n, "loss": float(n)} for n in range(9, 0, -1)]
    assert read_rows(rows).curves["loss"].values == tuple(float(n) for n in range(1, 10))


def test_rows_of_splits_and_of_names_are_spread() -> None:
    rows = [
        {"epoch": n, "phase": p, "loss": v, "acc": 0.5}
        for n in range(5)
        for p, v in (("train", 1), ("val", 2))
    ]
    record = read_rows(rows)
    assert (record.curves["loss"].values, record.curves["val_loss"].values) == ((1.0,) * 5, (2.0,) * 5)
    assert record.columns["val_accuracy"] == "val/acc"
    tidy = read_rows(
        [{"step": n, "metric": m, "value": v} for n in range(5) for m, v in (("loss", 1), ("val_loss", 2))]
    )
    assert (tidy.curves["loss"].values, tidy.curves["val_loss"].values) == ((1.0,) * 5, (2.0,) * 5)


def test_names_and_splits_in_columns_of_words() -> None:
    rows = [
        {"epoch": n, "split": split, "metric": "loss", "value": value}
        for n in range(5)
        for split, value in (("train", 1), ("val", 2))
    ]
    record = read_rows(rows)
    assert (record.curves["loss"].values, record.curves["val_loss"].values) == ((1.0,) * 5, (2.0,) * 5)


def test_each_accuracy_has_its_own_unit() -> None:
    record = read_lists(acc=[0.5, 1.0000001], val_acc=[55.0, 90.0], loss=[1, 2])
    assert record.curves["accuracy"].values == (0.5, 1.0)
    assert record.curves["val_accuracy"].values == (0.55, 0.9)
    assert record.notes == ("val_acc was taken for percent",)
    assert read_lists(error_rate=[0.4, 0.25]).curves["accuracy"].values == (0.6, 0.75)


def test_nan_between_the_numbers_of_a_validation_are_gaps() -> None:
    nan = float("nan")
    record = read_lists(loss=[1.0, nan, 1.0, nan], val_loss=[nan, 2.0, nan, 1.0])
    assert record.curves["val_loss"].at == (2.0, 4.0)
    assert np.isnan(record.curves["loss"].values[1])


def test_what_was_read_and_what_was_not_is_said() -> None:
    record = read_rows([{"epoch": 1, "training loss": 1.0, "f1": 0.5, "time": "00:10"}])
    assert (dict(record.columns), record.unused) == ({"loss": "training loss"}, ("f1", "time"))
    assert read_rows([{"epoch": 1, "f1": 0.5}], val_accuracy="f1").columns == {"val_accuracy": "f1"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": "low"}], "log loss must be a number; got 'low'"),
        ([{"epoch": 1, "f1": 0.5}], "log has no column of losses or accuracies; it has f1"),
        ([], "it has none"),
        ([{"acc": 600}], "an accuracy is 600"),
    ],
)
def test_what_cannot_be_read(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RunError, match=message):
        read_rows(rows)
