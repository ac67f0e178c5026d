import string
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.errors import ModelError
from dlpractice.evaluation.oneshot_tasks import UNDECIDED, Answers, Task, accuracy_by_group, answer
from dlpractice.runs.answers import collect_answers
from dlpractice.statistics.shares import clustered_accuracy, wilson

Indices = NDArray[np.int64]
CLASSES = np.repeat(np.arange(6), 4)  # 24 examples, four of each of six classes


def task(answers: list[int] | None = None, *, ways: int = 5, shots: int = 1, group: str = "a") -> Task:
    """Supports are the first examples of each class, queries the last one of each class in `answers`."""
    asked = np.arange(ways) if answers is None else np.array(answers)
    supports = 4 * np.arange(ways)[:, None] + np.arange(shots)
    return Task((group,) * len(asked), supports, 4 * asked + 3, asked)


def examples(drawers: Sequence[int] = (UNKNOWN_DRAWER,) * 24, sha256: str = string.ascii_letters) -> Examples:
    """The 24 examples, all of one alphabet."""
    return Examples(
        pixels=np.zeros((24, 1, 1, 1), np.uint8),
        alphabets=np.zeros(24, np.int64),
        classes=CLASSES,
        drawers=np.array(drawers),
        alphabet_names=("A",),
        class_names=tuple("012345"),
        paths=tuple(str(place) for place in range(24)),
        sha256=tuple(sha256[:24]),
    )


def perfect(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return (CLASSES[queries][:, None] == CLASSES[supports[:, 0]]).astype(float)


def constant(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return np.zeros((len(queries), len(supports)))


def diagonal(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    """Knows how tasks tend to be written down: query i belongs to support i."""
    return np.eye(len(queries), len(supports))


def first(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return np.tile(-np.arange(len(supports), dtype=float), (len(queries), 1))


@pytest.mark.parametrize("shots", [1, 3])
def test_a_perfect_scorer_gets_everything(shots: int) -> None:
    answers = answer([task(shots=shots), task([2, 0, 4], shots=shots)], perfect, seed=0)
    assert answers.correct.all() and answers.errors == 0
    assert answers.tasks.tolist() == [0] * 5 + [1] * 3
    assert answers.predicted.tolist() == answers.truth.tolist() == [0, 1, 2, 3, 4, 2, 0, 4]
    assert answers.queries.tolist() == [3, 7, 11, 15, 19, 11, 3, 19]
    assert accuracy_by_group(answers, examples()).value == 1.0


def test_a_constant_scorer_gets_nothing() -> None:
    """The match stands at position 0 in every task, where argmax would find it."""
    answers = answer([task([0])] * 30, constant, seed=0)
    assert (answers.errors, set(answers.predicted.tolist())) == (30, {UNDECIDED})


def test_a_tie_of_the_true_class_with_another_is_an_error() -> None:
    def torn(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return ((CLASSES[supports[:, 0]] < 2) * np.ones((len(queries), 1))).astype(float)

    assert answer([task()], torn, seed=0).errors == 5


def test_a_scorer_of_positions_gets_what_chance_gives() -> None:
    answers = answer([task([0])] * 1000, first, seed=1)
    assert answers.correct.mean() == pytest.approx(1 / 5, abs=0.06)


def test_the_scores_are_given_back_in_the_order_of_the_task() -> None:
    def product(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return queries[:, None] * 100.0 + supports[:, 0]

    one = task([4, 1, 3], shots=2)
    answers = answer([one], product, seed=3)
    assert (answers.scores[0] == product(one.queries, one.supports)).all()
    assert answers.predicted.tolist() == [4, 4, 4]


def test_the_scorer_is_shown_another_order_in_each_task_and_the_same_with_the_same_seed() -> None:
    def shown(seed: int) -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []

        def spy(queries: Indices, supports: Indices) -> NDArray[np.float64]:
            seen.append((*queries.tolist(), *supports[:, 0].tolist()))
            return perfect(queries, supports)

        answer([task()] * 20, spy, seed)
        return seen

    assert len(set(shown(0))) > 15
    assert shown(0) == shown(0) != shown(1)


def test_a_decision_that_looks_at_the_other_queries_is_refused() -> None:
    def one_to_one(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        scores = np.cos(queries[:, None] + 2.0 * supports[:, 0])
        return scores - scores.mean(axis=0)

    with pytest.raises(ValueError, match="depend on the other queries"):
        answer([task()], one_to_one, seed=0)
    with pytest.raises(ValueError, match="depend on the other queries"):
        answer([task()], diagonal_of_many, seed=0)


def diagonal_of_many(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return diagonal(queries, supports) if len(queries) > 1 else constant(queries, supports)


def test_a_scorer_that_matches_query_i_with_support_i_gets_what_chance_gives() -> None:
    answers = answer([task()] * 400, diagonal, seed=2)
    assert answers.correct.mean() == pytest.approx(1 / 5, abs=0.06)


@pytest.mark.parametrize(("share", "refused"), [(0.009, False), (0.011, True)])
def test_a_hundredth_of_the_spread_passes_for_rounding(share: float, refused: bool) -> None:
    def rounding(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        """Scores from 0 to 50, moved where a query is alone."""
        return 50 * perfect(queries, supports) + (50 * share if len(queries) == 1 else 0)

    assert {0, 50} == set(rounding(task().queries, task().supports).ravel())
    if refused:
        with pytest.raises(ValueError, match="depend on the other queries"):
            answer([task()], rounding, seed=0)
    else:
        assert answer([task()], rounding, seed=0).errors == 0


def test_scores_of_minus_infinity_count_and_nan_is_refused() -> None:
    def only_the_match(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return np.where(perfect(queries, supports) > 0, 1.0, -np.inf)

    def diverged(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return constant(queries, supports) * np.nan

    assert answer([task()], only_the_match, seed=0).errors == 0
    assert answer([task()], lambda q, s: constant(q, s) - np.inf, seed=0).errors == 5
    with pytest.raises(ModelError, match="NaN"):
        answer([task()], diverged, seed=0)


def test_scores_of_another_shape_and_no_task_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected scores of shape \(5, 5\); got \(5, 4\)"):
        answer([task()], lambda q, s: constant(q, s)[:, 1:], seed=0)
    with pytest.raises(ValueError, match="at least one task"):
        answer([], perfect, seed=0)


@pytest.mark.parametrize(
    ("supports", "queries", "answers", "groups", "problem"),
    [
        ([[0], [4]], [3, 0], [0, 0], "ab", "in the task twice"),
        ([[0], [0]], [3], [0], "a", "in the task twice"),
        ([[0], [4]], [3, 3], [0, 0], "ab", "in the task twice"),
        ([[0], [4]], [3], [2], "a", r"answers in \[0, 2\)"),
        ([[0], [4]], [3], [-1], "a", r"answers in \[0, 2\)"),
        ([[0], [4]], [3, 7], [0], "ab", "as many answers"),
        ([[0], [4]], [3], [0], "ab", "as many answers"),
        ([[0], [4]], [], [], "", "as many answers"),
        ([[0]], [3], [0], "a", "supports of shape"),
        ([0, 4], [3], [0], "a", "supports of shape"),
    ],
)
def test_a_task_that_is_none(
    supports: list[list[int]], queries: list[int], answers: list[int], groups: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Task(tuple(groups), np.array(supports), np.array(queries, int), np.array(answers, int))


def test_the_interval_is_clustered_and_a_repeated_query_counts_once() -> None:
    tasks = [task(group=name) for name in "abcd"]

    def half(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return perfect(queries, supports) * (queries % 8 == 3)[:, None]  # right on classes 0, 2 and 4

    few, many = (accuracy_by_group(answer(tasks * n, half, seed=0), examples()) for n in (1, 50))
    assert (few.value, few.n, many.value, many.n) == (0.6, 20, 0.6, 1000)
    assert many.ci95 == pytest.approx(few.ci95)


def by_drawer(count: int = 5) -> Answers:
    """Every example of five classes asked about once; those of the first two drawers are answered wrongly."""
    supports = 4 * np.arange(count)[:, None]
    groups, asked = tuple(str(number) for number in range(count)), np.arange(count)
    tasks = [Task(groups, supports, supports[:, 0] + drawer, asked) for drawer in (1, 2, 3)]

    def scorer(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return perfect(queries, supports) * (queries % 4 > 2)[:, None]

    return answer(tasks, scorer, seed=0)


def test_who_drew_it_binds_the_drawings_of_one_alphabet() -> None:
    """Three drawers, of whom one is read: classes are all alike, and say nothing of other drawers."""
    answers = by_drawer()
    drawers = [place % 4 for place in range(24)]
    known, unknown = (accuracy_by_group(answers, of) for of in (examples(drawers), examples()))
    assert known.ci95 == pytest.approx(wilson(1 / 3, 3))
    assert unknown == clustered_accuracy(answers.correct, answers.groups)
    assert unknown.ci95[1] - unknown.ci95[0] < known.ci95[1] - known.ci95[0]


def test_a_run_directory_says_the_same_of_drawers_and_copies() -> None:
    answers, drawers = by_drawer(), [place % 4 for place in range(24)]
    for of in (examples(drawers), examples(), examples(sha256="abcd" * 6)):
        splits = [
            {"path": path, "sha256": digest, "bound": drawer}
            for path, digest, drawer in zip(of.paths, of.sha256, of.drawer_names(np.arange(24)), strict=True)
        ]
        rows = [
            {
                "path": of.paths[query],
                "label": f"A/{CLASSES[query]}",
                "predicted": f"A/{CLASSES[query]}" if right else "undecided",
                "loss": None,
            }
            for query, right in zip(answers.queries.tolist(), answers.correct.tolist(), strict=True)
        ]
        assert collect_answers(rows, splits, of_tasks=True).accuracy() == accuracy_by_group(answers, of)


def test_copies_of_a_query_count_once() -> None:
    """Fifteen examples that are three files: three trials at most, whatever the five classes say."""
    answers = replace(by_drawer(), correct=np.tile([True, False, True], 5))
    apart, copies = (accuracy_by_group(answers, of) for of in (examples(), examples(sha256="xabc" * 6)))
    assert copies.ci95 == pytest.approx(wilson(2 / 3, 3))
    assert apart.ci95[1] - apart.ci95[0] < copies.ci95[1] - copies.ci95[0]
