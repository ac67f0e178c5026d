"""An exported encoder beside the one that it was made from, on tasks of the run's validation classes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.evaluation.oneshot_tasks import Answers, Task, accuracy_by_group, answer
from dlpractice.recipes.export.proof import MOST_IMAGES, answer_in_batches, measure_milliseconds
from dlpractice.recipes.oneshot.comparer import Comparer
from dlpractice.recipes.oneshot.embedding_answers import EmbeddingScorer
from dlpractice.recipes.oneshot.examinations import within_alphabets
from dlpractice.recipes.oneshot.results import ORDER_SEED
from dlpractice.statistics.differences import paired_difference
from dlpractice.statistics.shares import clustered_accuracy

_UNKNOWN = -2


@dataclass(frozen=True)
class Questions:
    """Tasks, and the examples that they are about."""

    examples: Examples
    tasks: tuple[Task, ...]


def pick_questions(examples: Examples, most: int = MOST_IMAGES) -> Questions:
    """Of the tasks that chose the run's best epoch so many, spread evenly, that about `most` images are in
    them; at least one.

    Raises DataError where the examples are too few for a task.
    """
    tasks = within_alphabets(examples)
    step = -(-sum(len(task.queries) + task.supports.size for task in tasks) // most)
    chosen = tasks[::step]
    places = np.unique(np.concatenate([np.append(task.supports, task.queries) for task in chosen]))
    moved = (
        replace(
            task,
            supports=np.searchsorted(places, task.supports),
            queries=np.searchsorted(places, task.queries),
        )
        for task in chosen
    )
    return Questions(examples.select(places), tuple(moved))


def compare_encoders(before: Comparer, after: Comparer, asked: Questions) -> dict[str, Any]:
    """How the answers of two encoders differ, and their embeddings; see `proof.compare`.

    An answer is a class, or `unknown` below the threshold; `largest_difference` is that of the probability
    that a query and its likeliest class are the same. Whether an answer is right goes by the class alone.
    """
    pixels = np.asarray(asked.examples.pixels)
    embeddings = [answer_in_batches(net.embed_pixels, pixels) for net in (before, after)]
    ours, theirs = (
        answer(asked.tasks, EmbeddingScorer(part, before.similarity), ORDER_SEED) for part in embeddings
    )
    scores = [_best(answers) for answers in (ours, theirs)]
    named = [
        np.where(best >= before.threshold, answers.predicted, _UNKNOWN)
        for best, answers in zip(scores, (ours, theirs), strict=True)
    ]
    confidences = [before.judge(best) for best in scores]
    right = [answers.correct.astype(float) for answers in (theirs, ours)]
    return {
        "images": len(ours.queries),
        "largest_difference": float(np.abs(confidences[0] - confidences[1]).max()),
        "largest_embedding_difference": float(np.abs(embeddings[0] - embeddings[1]).max()),
        "largest_embedding": float(np.abs(embeddings[0]).max()),
        "equal_answers": clustered_accuracy(named[0] == named[1], ours.groups).to_json(),
        "accuracy_before": accuracy_by_group(ours, asked.examples).to_json(),
        "accuracy_after": accuracy_by_group(theirs, asked.examples).to_json(),
        "accuracy_difference": paired_difference(right[0], right[1], ours.groups).to_json(),
        "milliseconds_before": measure_milliseconds(before.embed_pixels, pixels[:1]),
        "milliseconds_after": measure_milliseconds(after.embed_pixels, pixels[:1]),
    }


def _best(answers: Answers) -> NDArray[np.float32]:
    """(A,) the similarity of each query and its likeliest class."""
    return np.concatenate([scores.max(axis=1) for scores in answers.scores]).astype(np.float32)
