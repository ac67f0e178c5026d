"""One-shot tasks, and the one way in which a scorer answers them.

A task shows a support set, K examples of each of W classes, and asks of each query which class it is of. Four
things that could flatter a scorer are made impossible here, for all protocols: supports and queries are
shuffled before the scorer sees them, a tie counts as an error, no example is both support and query, and each
query is judged by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.errors import ModelError
from dlpractice.statistics.clusters import choose_crossed
from dlpractice.statistics.measure import Measure
from dlpractice.statistics.shares import clustered_accuracy

UNDECIDED = -1
"""What is predicted where no class is the single best."""

Scorer = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.floating[Any]]]
"""(queries (Q,), supports (W, K)), both indices of examples, to scores (Q, W): higher is more alike."""


@dataclass(frozen=True)
class Task:
    """A support set and its queries; all indices are those of one set of examples.

    `supports`: (W, K) int64, row w holds the K examples of class w, W >= 2; `queries`: (Q,) int64; `answers`:
    (Q,) int64 in [0, W), the row of each query's class; `groups`: (Q,) for the interval, which groups are
    exchangeable (mostly the alphabet of the query's class).

    Raises:
        ValueError: the shapes do not fit, an answer is out of range, or an example is in the task twice.
    """

    groups: tuple[str, ...]
    supports: NDArray[np.int64]
    queries: NDArray[np.int64]
    answers: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.supports.ndim != 2 or len(self.supports) < 2 or not self.supports.shape[1]:
            raise ValueError(f"expected supports of shape (W, K), W >= 2; got {self.supports.shape}")
        if not self.queries.shape == self.answers.shape == (len(self.groups),) or not self.groups:
            raise ValueError(
                f"expected as many answers and groups as queries, at least one; got {self.queries.shape} "
                f"queries, {self.answers.shape} answers and {len(self.groups)} groups"
            )
        if self.answers.min() < 0 or self.answers.max() >= len(self.supports):
            raise ValueError(f"expected answers in [0, {len(self.supports)})")
        shown = [*self.supports.ravel().tolist(), *self.queries.tolist()]
        if len(set(shown)) < len(shown):
            raise ValueError("an example is in the task twice")


@dataclass(frozen=True)
class Answers:
    """What a scorer answered to some tasks, query by query, in the order of the tasks and of their queries.

    Args:
        tasks: (A,) int64. The number of the task.
        queries: (A,) int64. The index of the query.
        truth, predicted: (A,) int64. Rows of the task's supports; `predicted` is UNDECIDED at a tie.
        groups: (A,). What an interval is clustered by.
        correct: (A,) bool.
        scores: one (Q, W) array for each task, its columns in the order of the task's supports.
    """

    tasks: NDArray[np.int64]
    groups: tuple[str, ...]
    queries: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    correct: NDArray[np.bool_]
    scores: tuple[NDArray[np.floating[Any]], ...]

    @property
    def errors(self) -> int:
        """The number of queries that were not answered with their class."""
        return int((~self.correct).sum())


def answer(tasks: Sequence[Task], scorer: Scorer, seed: int) -> Answers:
    """Puts every task to the scorer, and takes the single best class of each query for its answer.

    Raises:
        ValueError: there is no task, a scorer returns another shape than (Q, W), or the scores of a query
            depend on the other queries: that is a transductive method, see `transduction`.
        ModelError: a score is not a number.
    """
    if not tasks:
        raise ValueError("expected at least one task")
    rng = np.random.default_rng(seed)
    _refuse_joint_decisions(tasks[0], scorer)
    scores = tuple(_score(task, scorer, rng) for task in tasks)
    predicted = [_single_best(part) for part in scores]
    return answers_of(tasks, scores, predicted)


def answers_of(
    tasks: Sequence[Task],
    scores: Sequence[NDArray[np.floating[Any]]],
    predicted: Sequence[NDArray[np.int64]],
) -> Answers:
    """The answers of all tasks in one record. `scores`: (Q, W) and `predicted`: (Q,) for each task."""
    truth = np.concatenate([task.answers for task in tasks])
    guesses = np.concatenate(predicted)
    return Answers(
        tasks=np.repeat(np.arange(len(tasks)), [len(task.queries) for task in tasks]),
        groups=tuple(group for task in tasks for group in task.groups),
        queries=np.concatenate([task.queries for task in tasks]),
        truth=truth,
        predicted=guesses,
        correct=guesses == truth,
        scores=tuple(scores),
    )


def accuracy_by_group(answers: Answers, examples: Examples) -> Measure:
    """The share of correct answers, its interval clustered by group, and by drawer where the groups are
    classes of one alphabet; what is asked about repeatedly, be it in copies, counts once.

    examples: N of them; a query is one, or one after a number of quarter turns, N indices further for each.
    """
    turns, places = np.divmod(answers.queries, len(examples))
    asked = zip(turns.tolist(), places.tolist(), strict=True)
    distinct = len({(turn, examples.sha256[place]) for turn, place in asked})
    crossed = choose_crossed(examples.alphabets[places].tolist(), examples.drawer_names(places))
    return clustered_accuracy(answers.correct, answers.groups, distinct, crossed)


def _score(task: Task, scorer: Scorer, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """Scores (Q, W) in the task's order. The scorer sees a shuffled one, so positions tell it nothing."""
    rows, columns = rng.permutation(len(task.queries)), rng.permutation(len(task.supports))
    shown = _checked(scorer(task.queries[rows], task.supports[columns]), len(rows), len(columns))
    scores = np.empty_like(shown)
    scores[np.ix_(rows, columns)] = shown
    return scores


def _checked(scores: NDArray[np.floating[Any]], queries: int, ways: int) -> NDArray[np.floating[Any]]:
    if scores.shape != (queries, ways):
        raise ValueError(f"expected scores of shape {(queries, ways)}; got {scores.shape}")
    if np.isnan(scores).any():
        raise ModelError(
            "the scores of a one-shot task are not numbers (NaN)", "the training has diverged; lower its rate"
        )
    return scores


def _single_best(scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    best = scores == scores.max(axis=1, keepdims=True)
    return np.where(best.sum(axis=1) == 1, best.argmax(axis=1), UNDECIDED)


def _refuse_joint_decisions(task: Task, scorer: Scorer) -> None:
    """Refuses a scorer that answers the first query differently among the others and alone.

    Rounding may depend on the size of a batch, and more so in half precision, so a hundredth of the spread of
    the scores is allowed.
    """
    among, alone = scorer(task.queries, task.supports), scorer(task.queries[:1], task.supports)
    first = _checked(among, len(task.queries), len(task.supports))[:1]
    finite = np.isfinite(among)
    tolerance = 0.01 * float(np.ptp(among[finite])) if finite.any() else 0.0
    if not np.allclose(first, _checked(alone, 1, len(task.supports)), rtol=0, atol=tolerance):
        raise ValueError("the scores of a query depend on the other queries of its task")
