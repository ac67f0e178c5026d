from itertools import permutations

import numpy as np
import pytest

from dlpractice.evaluation.oneshot_tasks import Task, answer
from dlpractice.evaluation.transduction import answer_one_to_one, assign_one_to_one


def task(ways: int = 4, queries: int | None = None) -> Task:
    """Query w + 100 is of class w."""
    asked = np.arange(queries or ways)
    return Task(("a",) * len(asked), np.arange(ways)[:, None], 100 + asked, asked % ways)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_all_assignments(seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(5, 5))
    best = max(permutations(range(5)), key=lambda order: sum(scores[q, c] for q, c in enumerate(order)))
    assert assign_one_to_one(scores, np.random.default_rng(0)).tolist() == list(best)


def test_it_corrects_a_query_whose_class_is_taken() -> None:
    def scorer(queries: np.ndarray, supports: np.ndarray) -> np.ndarray:
        table = np.array([[9.0, 0, 0, 0], [8, 7, 0, 0], [0, 0, 9, 0], [0, 0, 0, 9]])
        return table[queries[:, None] - 100, supports[:, 0]]

    tasks = [task()]
    answers = answer(tasks, scorer, seed=0)
    assert answers.predicted.tolist() == [0, 0, 2, 3]
    assigned = answer_one_to_one(tasks, answers, seed=0)
    assert assigned.predicted.tolist() == [0, 1, 2, 3] and assigned.errors == 0
    assert assigned.groups == answers.groups and assigned.queries.tolist() == answers.queries.tolist()


def test_a_constant_scorer_gets_what_chance_gives() -> None:
    """Written down in order, the identity would be as good as any assignment, and all right."""
    tasks = [task(5)] * 400
    answers = answer(tasks, lambda queries, supports: np.zeros((len(queries), len(supports))), seed=0)
    assert answer_one_to_one(tasks, answers, seed=0).correct.mean() == pytest.approx(1 / 5, abs=0.06)


def test_a_score_of_minus_infinity_is_the_last_resort() -> None:
    scores = np.array([[-np.inf, 1.0], [-np.inf, 5.0]])
    assert assign_one_to_one(scores, np.random.default_rng(0)).tolist() == [0, 1]


def test_tasks_that_are_not_one_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="as many queries as classes"):
        assign_one_to_one(np.zeros((3, 4)), np.random.default_rng(0))
    tasks = [task(4, queries=8)]
    answers = answer(tasks, lambda queries, supports: np.ones((len(queries), len(supports))), seed=0)
    with pytest.raises(ValueError, match="one query of each class"):
        answer_one_to_one(tasks, answers, seed=0)
