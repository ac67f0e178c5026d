"""What nets answer to the validation questions of a run, and how much better one does than another."""

from typing import Any

import numpy as np

from dlpractice.config.schema import Finetune, Oneshot
from dlpractice.errors import RunError
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.finetune.images import read_dataset
from dlpractice.recipes.oneshot.results import list_answers, plan_exam, score_validation
from dlpractice.recipes.oneshot.saved_siamese import load_siamese
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.recipes.run.continuation import refuse_other_data
from dlpractice.runs.answers import Answers, collect_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_mean


def rescore(config: Oneshot, run: RunDirectory) -> Answers:
    """The answers of a finished one-shot run's net to its validation tasks; it kept those of the test."""
    saved, parts = load_siamese(run), read_classes(config, Silent())
    exam = plan_exam(config, parts)
    scored = score_validation(exam, saved.forward, saved.siamese.similarity, config.data.image_size)
    return collect_answers(list(list_answers(scored)), run.splits(), of_tasks=True)


def describe_answers(answers: Answers) -> dict[str, Any]:
    """Accuracy with its interval, and mean loss in nats."""
    return {"val_accuracy": answers.accuracy().to_json(), "val_loss": float(answers.losses.mean())}


def compare_answers(ours: Answers, theirs: Answers) -> dict[str, Any]:
    """The paired differences, ours less theirs, in accuracy (better above 0) and in loss (better below 0);
    None for a loss that is not finite, or whose interval cannot be seen, in images of one group.

    Raises:
        RunError: they were not asked the same.
    """
    if not ours.has_questions_of(theirs):
        raise RunError(
            "the trial was validated on other examples than the run it is compared with",
            "the data changed in between: restore them, or try again in another --run-dir",
        )
    theirs = theirs.in_order_of(ours)
    seen = len(set(ours.groups)) > 1
    finite = bool(np.isfinite(ours.losses).all() and np.isfinite(theirs.losses).all())
    return {
        "accuracy": ours.difference(theirs).to_json(),
        "loss": paired_mean(ours.losses, theirs.losses, ours.groups).to_json() if finite and seen else None,
    }


def refuse_changed_data(config: Finetune | Oneshot, run: RunDirectory, progress: Progress) -> None:
    """Check that the data of `run` are what it was trained on.

    Raises:
        DataError: they are gone.
        RunError: they have changed.
    """
    read = read_dataset(config, progress) if isinstance(config, Finetune) else read_classes(config, progress)
    refuse_other_data(read.digest, run)
