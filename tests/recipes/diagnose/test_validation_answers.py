"""Answers on the same validation examples, and their differences."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.errors import DataError, RunError
from dlpractice.progress import Silent
from dlpractice.recipes.diagnose.validation_answers import (
    compare_answers,
    describe_answers,
    refuse_changed_data,
    rescore,
)
from dlpractice.runs.answers import collect_answers, read_mean_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_difference, paired_mean


def rows(*right: int, label: str = "a", loss: float | None = 0.5) -> list[dict[str, Any]]:
    return [
        {"path": f"{number}", "label": label, "predicted": label if hit else "x", "loss": loss}
        for number, hit in enumerate(right)
    ]


def test_answers_are_paired_by_what_was_asked() -> None:
    ours = collect_answers(rows(1, 1, 1, 0), [], of_tasks=False)
    theirs = collect_answers(rows(1, 0, 0, 1, loss=0.75)[::-1], [], of_tasks=False)
    found = compare_answers(ours, theirs)
    assert found["accuracy"] == paired_difference([1, 1, 1, 0], [1, 0, 0, 1]).to_json()
    assert found["loss"]["value"] == -0.25
    with pytest.raises(RunError, match="other examples"):
        compare_answers(ours, collect_answers(rows(1, 1, 1), [], of_tasks=False))
    with pytest.raises(RunError, match="other examples"):
        compare_answers(ours, collect_answers(rows(1, 1, 1, 0, label="b"), [], of_tasks=False))


def test_a_loss_that_is_not_finite_is_not_compared() -> None:
    ours, theirs = (collect_answers(rows(1, 0, loss=loss), [], of_tasks=False) for loss in (0.5, None))
    assert compare_answers(ours, theirs)["loss"] is None


def test_bound_images_are_compared_by_what_they_are_bound_to() -> None:
    splits = [{"path": str(number), "bound": str(number // 2)} for number in range(6)]
    right = [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 1, 0]
    ours, theirs = (collect_answers(rows(*hits), splits, of_tasks=False) for hits in right)
    ours = replace(ours, losses=np.array([0.0, 0.1, 0.3, 0.2, 0.9, 1.0]))
    found = compare_answers(ours, theirs)
    assert found["accuracy"] == paired_difference(*right, list("001122")).to_json()
    assert found["loss"] == paired_mean(ours.losses, theirs.losses, list("001122")).to_json()
    assert (found["accuracy"]["n"], found["loss"]["groups"]) == (6, 3)
    one = [row | {"bound": "0"} for row in splits]
    assert (
        compare_answers(*(collect_answers(rows(*hits), one, of_tasks=False) for hits in right))["loss"]
        is None
    )


def test_tasks_are_compared_by_alphabet() -> None:
    answers = collect_answers([*rows(1, 0, label="A/x"), *rows(0, 0, label="B/x")], [], of_tasks=True)
    others = collect_answers([*rows(1, 1, label="A/x"), *rows(0, 1, label="B/x")], [], of_tasks=True)
    expected = paired_difference(others.correct, answers.correct, answers.groups)
    assert compare_answers(others, answers)["accuracy"] == expected.to_json()


def test_a_run_is_described_as_it_described_itself(finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    measure = describe_answers(read_mean_answers([run, run], "validation"))
    assert measure["val_accuracy"] == run.summary()["results"]["val_accuracy"]
    scored = [row for row in run.predictions() if row["split"] == "validation"]
    assert measure["val_loss"] == pytest.approx(np.mean([row["loss"] for row in scored]))


def test_a_one_shot_net_is_asked_again(tiny_oneshot_config: Oneshot, finished_oneshot_run: Path) -> None:
    run = RunDirectory.read(finished_oneshot_run)
    measure = describe_answers(rescore(tiny_oneshot_config, run))["val_accuracy"]
    expected = run.summary()["results"]["val_accuracy"]
    assert (measure["value"], measure["n"]) == (pytest.approx(expected["value"]), expected["n"])
    assert measure["ci95"] == pytest.approx(expected["ci95"])


def test_data_that_changed_or_are_gone(tiny_config: Finetune, finished_run: Path) -> None:
    run = RunDirectory.read(finished_run)
    refuse_changed_data(tiny_config, run, Silent())
    other = tiny_config.data.model_copy(update={"split_seed": 9})
    with pytest.raises(RunError, match="other data"):
        refuse_changed_data(tiny_config.model_copy(update={"data": other}), run, Silent())
    gone = tiny_config.data.model_copy(update={"source": "nowhere"})
    with pytest.raises(DataError):
        refuse_changed_data(tiny_config.model_copy(update={"data": gone}), run, Silent())
