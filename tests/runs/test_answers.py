"""From predictions.csv to accuracies, differences and their intervals."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from dlpractice.errors import RunError
from dlpractice.runs.answers import Item, average_answers, collect_answers, read_answers, read_mean_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_difference, paired_interval
from dlpractice.statistics.shares import accuracy, clustered_accuracy, wilson

Rows = list[dict[str, Any]]
Write = Callable[..., RunDirectory]


def row(
    path: str, label: str, is_right: int, loss: float | None = 0.5, split: str = "test"
) -> dict[str, Any]:
    predicted = label if is_right else "other"
    return {"path": path, "label": label, "predicted": predicted, "loss": loss, "split": split}


def drawn_rows(alphabets: Sequence[str], seed: int = 0) -> Rows:
    """Eight characters of each alphabet, two drawings of each, every drawing asked about three times; some
    alphabets and some characters are harder than others."""
    rng = np.random.default_rng(seed)
    found = []
    for alphabet in alphabets:
        for character in range(8):
            chance = rng.beta(2, 1)
            found += [
                row(f"{alphabet}/{character}/{drawing}.png", f"{alphabet}/{character}", rng.random() < chance)
                for drawing in range(2)
                for _ in range(3)
            ]
    return found


def right(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    return [row["label"] == row["predicted"] for row in rows]


def test_answers_keep_the_order_of_the_file_with_what_belongs_to_each() -> None:
    rows = [row("b", "x", 1, 0.25), row("a", "y", 0, 2.0), row("b", "x", 0, None)]
    answers = collect_answers(rows, [], of_tasks=False)
    assert answers.items == (Item("b", "x", 0), Item("a", "y", 0), Item("b", "x", 1))
    assert answers.correct.tolist() == [1, 0, 0]
    assert answers.losses.tolist() == pytest.approx([0.25, 2.0, np.nan], nan_ok=True)
    assert answers.groups == ("b", "a", "b")


def test_answers_are_paired_by_their_questions_and_not_by_their_places() -> None:
    rows = [
        row(f"{number}", f"{'AB'[number % 2]}/{number % 7}", number % 3 > 0, number / 7)
        for number in range(9)
    ]
    shuffled = random.Random(0).sample(rows, len(rows))
    one, other = (collect_answers(order, [], of_tasks=True) for order in (rows, shuffled))
    assert one.items != other.items and one.has_questions_of(other)
    again = other.in_order_of(one)
    assert (again.items, again.groups) == (one.items, one.groups)
    assert (again.correct == one.correct).all() and (again.losses == one.losses).all()
    assert one.difference(other) == paired_difference([1] * 9, [1] * 9, one.groups)
    assert one.difference(other).value == 0 and one.difference(other).ci95[0] < 0
    mean = average_answers([one, other])
    assert (mean.correct == one.correct).all() and (mean.losses == one.losses).all()


def test_images_of_a_classifier_are_independent_but_for_what_they_are_bound_to() -> None:
    rows = [row(str(number), f"{number % 2}/x", number % 3) for number in range(20)]
    own = [{"path": str(number), "sha256": f"{number}", "bound": str(number)} for number in range(20)]
    alone, unknown = (collect_answers(rows, splits, of_tasks=False) for splits in (own, []))
    assert alone.accuracy() == unknown.accuracy() == accuracy(alone.correct)
    perfect = [line | {"predicted": line["label"]} for line in rows]
    other = collect_answers(perfect, own, of_tasks=False)
    assert other.difference(alone) == paired_difference([1] * 20, alone.correct)

    films = [line | {"bound": str(number // 4)} for number, line in enumerate(own)]
    names = [str(number // 4) for number in range(20)]
    bound, other = (collect_answers(answered, films, of_tasks=False) for answered in (rows, perfect))
    assert bound.accuracy() == accuracy(bound.correct, names)
    assert (other.accuracy().ci95, other.accuracy().groups) == (wilson(1, 5), 5)
    assert other.difference(bound) == paired_difference([1] * 20, bound.correct, names)
    assert other.difference_interval(bound, 3.0) == paired_interval([1] * 20, bound.correct, 3.0, names)
    assert bound.count_trials() < 20 == alone.count_trials()


@pytest.mark.parametrize("alphabets", ["AB", "ABCDE"])
def test_tasks_of_several_alphabets_are_clustered_by_alphabet(alphabets: str) -> None:
    rows = drawn_rows(alphabets)
    expected = clustered_accuracy(right(rows), [line["label"][0] for line in rows], distinct=len(rows) // 3)
    measure = collect_answers(rows, [], of_tasks=True).accuracy()
    assert measure.ci95 == pytest.approx(expected.ci95)
    assert (measure.value, measure.n) == (pytest.approx(expected.value), len(rows))


@pytest.mark.parametrize("prefix", ["A/", ""])
def test_tasks_of_one_alphabet_or_of_none_are_clustered_by_class(prefix: str) -> None:
    """How alphabets differ cannot be seen in one of them, but its characters are not independent either."""
    rows = [line | {"label": prefix + line["label"][2:]} for line in drawn_rows("A")]
    rows = [line | {"predicted": line["label"] if number % 3 else "x"} for number, line in enumerate(rows)]
    classes = [line["label"] for line in rows]
    answers = collect_answers(rows, [], of_tasks=True)
    expected = clustered_accuracy(right(rows), classes, distinct=len(rows) // 3)
    assert answers.accuracy().ci95 == pytest.approx(expected.ci95)
    perfect = collect_answers([line | {"predicted": line["label"]} for line in rows], [], of_tasks=True)
    difference = paired_difference([1] * len(rows), right(rows), classes)
    assert perfect.difference(answers).ci95 == pytest.approx(difference.ci95)


def test_what_is_asked_about_again_and_again_makes_no_interval_narrow() -> None:
    rows = [row(f"{number}", f"{'ABCDE'[number % 5]}/x", number % 10 < 5) for number in range(10)]
    once, often = (collect_answers(rows * times, [], of_tasks=True).accuracy() for times in (1, 40))
    assert often.ci95 == pytest.approx(once.ci95)
    assert (once.n, often.n) == (10, 400)


def test_answers_to_other_questions_have_no_difference() -> None:
    ours = collect_answers([row("a", "x", 1), row("b", "x", 1)], [], of_tasks=False)
    for rows in ([row("a", "x", 1)], [row("a", "x", 1), row("b", "y", 1)], [row("a", "x", 1)] * 2):
        with pytest.raises(ValueError, match="other questions"):
            ours.difference(collect_answers(rows, [], of_tasks=False))
        with pytest.raises(ValueError, match="other questions"):
            average_answers([ours, collect_answers(rows, [], of_tasks=False)])


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_run(
        name: str, rows: Rows, command: str = "finetune", bound: Mapping[str, str] = MappingProxyType({})
    ) -> RunDirectory:
        with RunDirectory.create(tmp_path / name) as run:
            run.write_config(f"command: {command}\n")
            paths = sorted({line["path"] for line in rows})
            run.write_splits({"path": path, "sha256": path, "bound": bound.get(path, path)} for path in paths)
            run.write_predictions(rows)
        return RunDirectory.read(tmp_path / name)

    return write_run


def test_a_run_is_read_by_its_command_and_one_split_at_a_time(write: Write) -> None:
    rows = [row("a", "A/x", 1), row("b", "B/x", 0, split="validation")]
    assert read_answers(write("images", rows, bound={"a": "film"}), "test").groups == ("film",)
    tasks = read_answers(write("tasks", rows, "oneshot"), "test")
    assert (tasks.items, tasks.groups) == ((Item("a", "A/x", 0),), ("A/x",))
    assert read_answers(write("none", []), "validation").items == ()


def test_runs_are_averaged_question_by_question(write: Write) -> None:
    rows = [row("a", "x", 1, 1.0), row("b", "x", 0, 2.0)]
    others = [row("b", "x", 1, 4.0), row("a", "x", 1, 3.0)]
    mean = read_mean_answers([write("one", rows), write("two", others)], "test")
    assert (mean.correct.tolist(), mean.losses.tolist()) == ([1, 0.5], [2, 3])
    single = collect_answers(rows, [], of_tasks=False)
    assert average_answers([single]).accuracy() == single.accuracy()


def test_runs_that_were_asked_other_questions_have_no_mean(write: Write) -> None:
    runs = [write("one", [row("a", "x", 1)]), write("two", [row("b", "x", 1)])]
    with pytest.raises(RunError, match=r"two scored other test images than .*one"):
        read_mean_answers(runs, "test")


def test_what_is_bound_is_found_in_any_spelling_of_unicode() -> None:
    rows = [row("caf\u00e9/1.png", "caf\u00e9", 1)]
    splits = [{"path": "cafe\u0301/1.png", "bound": "film", "sha256": "0"}]
    answers = collect_answers(rows, splits, of_tasks=False)
    assert (answers.groups, answers.correct.tolist()) == (("film",), [1.0])
    composed = collect_answers([row("cafe\u0301/1.png", "cafe\u0301", 1)], [], of_tasks=False)
    assert answers.has_questions_of(composed)
