"""What a case knows: errors, on how many examples, at which epoch, against which target."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.diagnosis.case import TARGETS, open_case
from dlpractice.diagnosis.intervals import difference, wilson


def test_errors_of_a_run_are_those_of_the_epoch_it_kept(make: SimpleNamespace) -> None:
    record = make.run_of(
        curves={"accuracy": np.linspace(0.5, 0.9, 10), "val_accuracy": np.linspace(0.4, 0.8, 10)}
    )
    record.run.summary["best_epoch"] = 4
    errors = open_case(record).errors
    assert errors.epoch == 4
    assert errors.train == pytest.approx(1 - np.linspace(0.5, 0.9, 10)[3])
    assert errors.val_interval == wilson(errors.val, 500)
    assert errors.gap_interval == difference(errors.val, 500, errors.train, 500)
    assert errors.counted


def test_training_metrics_are_measured_on_as_many_images_as_there_are(make: SimpleNamespace) -> None:
    record = make.run_of(rows=make.split_rows(train=40, validation=300))
    assert open_case(record).sizes == (40, 300)


def test_without_numbers_of_examples_the_scatter_stands_in(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    record = make.log_of(accuracy=0.9 + rng.normal(0, 0.01, 40), val_accuracy=0.8 + rng.normal(0, 0.02, 40))
    errors = open_case(record).errors
    assert not errors.counted
    assert errors.gap_interval[0] < 0.1 < errors.gap_interval[1]
    assert open_case(make.log_of(loss=[1, 2])).errors is None


def test_targets(make: SimpleNamespace) -> None:
    assert open_case(make.run_of()).target is None
    assert open_case(make.run_of(config={"data": {"source": "digits"}})).target == TARGETS["digits"]
    assert open_case(make.run_of(config={"data": {"source": "digits"}}), 0.2).target.error == 0.2


def test_a_running_run_is_judged_at_its_best_epoch_so_far(make: SimpleNamespace) -> None:
    losses = np.array([0.9, 0.5, 0.7, np.nan])
    record = make.run_of(
        curves={"val_loss": losses, "accuracy": [0.5, 0.6, 0.7, 0.8], "val_accuracy": [0.5, 0.6, 0.7, 0.8]},
        summary=None,
    )
    assert open_case(record).errors.epoch == 2


def test_one_shot_tasks_count_for_what_their_interval_says(make: SimpleNamespace) -> None:
    measure = {"value": 0.9, "ci95": [0.84, 0.96], "n": 4000, "kind": "measured"}
    record = make.run_of(config={"command": "oneshot"}, summary={"results": {"val_accuracy": measure}})
    n = open_case(record).sizes[1]
    assert n == pytest.approx(0.9 * 0.1 / (0.06 / 1.96) ** 2, abs=1)
