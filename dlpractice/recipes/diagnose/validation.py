"""What runs answered on the same validation images or tasks, and how much better one did than another."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.errors import RunError
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune.setup import read_dataset
from dlpractice.recipes.oneshot.results import list_answers, plan_exam, score_validation
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.recipes.run.continuation import refuse_other_data
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.measures import (
    accuracy,
    clustered_accuracy,
    clustered_difference,
    paired_difference,
    paired_mean,
)

Key = tuple[str, str, int]


@dataclass(frozen=True)
class ValidationAnswers:
    """(N,) answers, means over runs: the share that is right, in [0, 1], and the loss in nats. keys: what was
    asked, by path, label and how often before. groups: alphabets of one-shot tasks, else none."""

    keys: tuple[Key, ...]
    correct: NDArray[np.float64]
    losses: NDArray[np.float64]
    groups: tuple[str, ...] = ()


def read_answers(runs: Sequence[RunDirectory], *, of_tasks: bool) -> ValidationAnswers:
    """The mean answers of finished runs; of_tasks: whether they are one-shot runs.

    Raises RunError where they were not asked the same.
    """
    every = [
        collect_answers([row for row in run.predictions() if row["split"] == "validation"], of_tasks=of_tasks)
        for run in runs
    ]
    for run, answers in zip(runs, every, strict=True):
        _refuse_other_questions(answers, every[0], str(run.path))
    correct = np.mean([answers.correct for answers in every], axis=0)
    return replace(every[0], correct=correct, losses=np.mean([answers.losses for answers in every], axis=0))


def rescore(config: Oneshot, run: RunDirectory) -> ValidationAnswers:
    """The answers of a finished one-shot run's net to its validation tasks; it kept those of the test."""
    saved, parts = load_siamese(run), read_classes(config, Silent())
    exam = plan_exam(config, parts)
    scored = score_validation(exam, saved.forward, saved.siamese.similarity, config.data.image_size)
    return collect_answers(list(list_answers(scored)), of_tasks=True)


def collect_answers(rows: Sequence[Mapping[str, Any]], *, of_tasks: bool) -> ValidationAnswers:
    """Answers from rows of predictions.csv, in the order of their keys."""
    seen: Counter[str] = Counter()
    found: dict[Key, tuple[bool, float]] = {}
    for row in rows:
        key = row["path"], row["label"], seen[row["path"]]
        seen[row["path"]] += 1
        loss = row["loss"]
        found[key] = row["label"] == row["predicted"], math.nan if loss is None else loss
    keys = tuple(sorted(found))
    alphabets = tuple(label.rpartition("/")[0] for _, label, _ in keys)
    groups = alphabets if len(set(alphabets)) > 1 else tuple(label for _, label, _ in keys)
    return ValidationAnswers(
        keys,
        np.array([found[key][0] for key in keys], np.float64),
        np.array([found[key][1] for key in keys], np.float64),
        groups if of_tasks else (),
    )


def describe_answers(answers: ValidationAnswers) -> dict[str, Any]:
    """Accuracy with its interval, and mean loss in nats."""
    correct, groups = answers.correct, answers.groups
    measure = clustered_accuracy(correct, groups) if groups else accuracy(correct)
    return {"val_accuracy": measure.to_json(), "val_loss": float(answers.losses.mean())}


def compare_answers(ours: ValidationAnswers, theirs: ValidationAnswers) -> dict[str, Any]:
    """The paired differences, ours less theirs, in accuracy (better above 0) and in loss (better below 0);
    None for a loss that is not finite.

    Raises RunError where they were not asked the same.
    """
    _refuse_other_questions(ours, theirs, "the trial")
    pair = ours.correct, theirs.correct
    difference = clustered_difference(*pair, ours.groups) if ours.groups else paired_difference(*pair)
    finite = bool(np.isfinite(ours.losses).all() and np.isfinite(theirs.losses).all())
    return {
        "accuracy": difference.to_json(),
        "loss": paired_mean(ours.losses, theirs.losses).to_json() if finite else None,
    }


def refuse_changed_data(config: Finetune | Oneshot, run: RunDirectory, progress: Progress) -> None:
    """Raises DataError where the data of `run` are gone, RunError where they have changed."""
    read = read_dataset(config, progress) if isinstance(config, Finetune) else read_classes(config, progress)
    refuse_other_data(read.digest, run)


def _refuse_other_questions(ours: ValidationAnswers, theirs: ValidationAnswers, what: str) -> None:
    if ours.keys != theirs.keys:
        raise RunError(
            f"{what} was validated on other examples than the run it is compared with",
            "the data changed in between: restore them, or try again in another --run-dir",
        )
