"""What a case knows: errors, on how many examples, at which epoch, against which target."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.config.schema import Finetune
from dlpractice.diagnosis.case import TARGETS, open_case
from dlpractice.diagnosis.logs.formats.own.run_directory import read_run
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import unpaired_interval
from dlpractice.statistics.shares import wilson


def test_errors_of_a_run_are_those_of_the_epoch_it_kept(make: SimpleNamespace) -> None:
    record = make.run_of(
        curves={"accuracy": np.linspace(0.5, 0.9, 10), "val_accuracy": np.linspace(0.4, 0.8, 10)}
    )
    record.run.summary["best_epoch"] = 4
    errors = open_case(record).errors
    assert errors.epoch == 4
    assert errors.train == pytest.approx(1 - np.linspace(0.5, 0.9, 10)[3])
    assert errors.val_interval == wilson(errors.val, 500)
    assert errors.gap_interval == unpaired_interval(errors.val, 500, errors.train, 500)
    assert errors.counted


def test_training_metrics_are_measured_on_as_many_images_as_there_are(make: SimpleNamespace) -> None:
    record = make.run_of(rows=make.split_rows(train=40, validation=300))
    assert open_case(record).trials == (40, 300)


def test_bound_images_count_as_what_their_answers_say(make: SimpleNamespace) -> None:
    """All frames of a film alike: as many trials as films. A run that goes on has no answers yet, and counts
    films; one with answers that do not depend on the film counts more."""
    rows = make.split_rows(train=30, validation=120)
    bound = [row | {"bound": f"{row['split']} {number // 10}"} for number, row in enumerate(rows)]
    alike = tuple(make.answers(bound, 60))  # the first 60 are the first six films
    record = make.run_of(val_accuracy=0.5, rows=bound, predictions=alike)
    errors = open_case(record).errors
    assert open_case(record).trials == (pytest.approx(3), pytest.approx(12))
    assert errors.val_interval == pytest.approx(wilson(errors.val, 12))
    assert errors.gap_interval == pytest.approx(unpaired_interval(errors.val, 12, errors.train, 3))
    assert errors.describe().endswith("; 120 validation images of 12 groups)")
    running = replace(record, run=replace(record.run, predictions=(), summary=None))
    assert open_case(running).trials == (pytest.approx(3), pytest.approx(12))
    spread = [row | {"bound": f"{row['split']} {number % 12}"} for number, row in enumerate(rows)]
    unlike = open_case(make.run_of(val_accuracy=0.5, rows=spread, predictions=alike)).trials
    assert 60 < unlike[1] < 120
    free = make.run_of(rows=rows, predictions=tuple(make.answers(rows, 60)))
    assert open_case(free).trials == (30, 120) and open_case(free).bound == ""


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


def test_a_running_one_shot_run_keeps_the_epoch_of_the_highest_accuracy(make: SimpleNamespace) -> None:
    measure = {"value": 0.6, "ci95": [0.5, 0.7], "n": 400, "kind": "measured"}
    record = make.run_of(
        config={"command": "oneshot"},
        curves={"val_loss": [0.9, 0.5, 0.7], "accuracy": [0.5, 0.6, 0.7], "val_accuracy": [0.4, 0.5, 0.6]},
        summary={"results": {"val_accuracy": measure}},
    )
    assert open_case(record).errors.epoch == 3


@pytest.fixture(scope="module")
def kept_start(
    tiny_config: Finetune, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Finetune, Path]:
    """A real run whose fine-tuning, at a rate far too high, never gets below what the head had reached. As
    many images train as validate, so that the train error is measured on all of them."""
    from dlpractice.recipes.finetune import finetune

    document = tiny_config.model_dump() | {"strategy": "top-block"}
    document["data"] |= {"validation": 0.4}
    document["model"] |= {"backbone": "vgg16", "width": 1.0}
    document["training"] |= {"epochs": 2, "head_epochs": 2, "head_learning_rate": 0.1, "learning_rate": 3.0}
    config, folder = Finetune.model_validate(document), tmp_path_factory.mktemp("kept-start") / "run"
    with RunDirectory.create(folder) as run:
        finetune.run(config, run)
    return config, folder


def test_where_a_stage_kept_its_start_the_errors_are_those_of_the_saved_net(
    kept_start: tuple[Finetune, Path],
) -> None:
    from dlpractice.progress import Silent
    from dlpractice.recipes.finetune.setup import prepare_setup
    from dlpractice.recipes.run.saved_model import load_network

    config, folder = kept_start
    run = RunDirectory.read(folder)
    assert run.summary()["best_epoch"] == 0
    net, dataset = load_network(run.model_path), prepare_setup(config, Silent()).dataset
    wrong = {
        name: np.mean(
            net(part.pixels[np.arange(len(part))].astype(np.float32)).numpy().argmax(1) != part.labels
        )
        for name, part in dataset.splits.items()
    }
    errors = open_case(read_run(folder)).errors
    assert errors.train == pytest.approx(wrong["train"])
    assert errors.val == pytest.approx(wrong["validation"])
    # The epochs of fine-tuning are none of it.
    rows = [row for row in run.metrics() if row["stage"] == "top-block"]
    assert errors.val < min(1 - row["val_accuracy"] for row in rows)
    assert f"epoch {errors.epoch:g} of the stage head, whose weights were kept" in errors.describe()


def test_before_a_stage_betters_its_start_a_running_run_would_keep_that(
    kept_start: tuple[Finetune, Path], tmp_path: Path
) -> None:
    shutil.copytree(kept_start[1], tmp_path / "run")
    finished = open_case(read_run(tmp_path / "run")).errors
    (tmp_path / "run" / "summary.json").unlink()
    record = read_run(tmp_path / "run")
    assert not record.finished
    assert open_case(record).errors == finished


def test_errors_that_were_not_measured_are_not_guessed(kept_start: tuple[Finetune, Path]) -> None:
    record = read_run(kept_start[1])
    assert record.run is not None and record.run.start is not None
    for start in (None, {**record.run.start, "accuracy": None}):
        assert open_case(replace(record, run=replace(record.run, start=start))).errors is None


def test_one_shot_tasks_count_for_what_their_interval_says(make: SimpleNamespace) -> None:
    measure = {"value": 0.9, "ci95": [0.84, 0.96], "n": 4000, "kind": "measured"}
    record = make.run_of(config={"command": "oneshot"}, summary={"results": {"val_accuracy": measure}})
    n = open_case(record).trials[1]
    assert n == pytest.approx(0.9 * 0.1 / (0.06 / 1.96) ** 2, abs=1)


@pytest.mark.parametrize(
    ("sums", "known"), [(None, True), ([1.0, 1.0], True), ([0.9999, 1.0], True), ([0.0, 3.0], False)]
)
def test_an_accuracy_of_several_labels_at_once_says_nothing(
    make: SimpleNamespace, sums: list[float] | None, known: bool
) -> None:
    accuracy = np.linspace(0.3, 0.5, 10)
    log = make.log_of(loss=1 - accuracy, accuracy=accuracy, val_accuracy=accuracy)
    case = open_case(replace(log, diagnostics={"start": {"targets": {"sums": sums}}}))
    assert (case.errors is not None) == known
