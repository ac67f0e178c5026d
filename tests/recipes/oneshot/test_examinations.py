"""Which tasks are looked at after each epoch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import Task
from dlpractice.evaluation.protocols import folder_tasks, lake_extended
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot.examinations import (
    examine_training,
    examine_validation,
    stand_in_tasks,
    within_alphabets,
)
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot, read_classes, read_distortion


@pytest.fixture(scope="module")
def setup(tiny_oneshot_config: Oneshot, shared_cache: Path) -> OneshotSetup:
    return prepare_oneshot(tiny_oneshot_config, Silent())


def same_tasks(first: tuple[Task, ...], second: tuple[Task, ...]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(one.supports, other.supports) and np.array_equal(one.queries, other.queries)
        for one, other in zip(first, second, strict=True)
    )


def with_drawers(examples: Examples, drawers: np.ndarray) -> Examples:
    return replace(examples, drawers=drawers.astype(np.int64))


def test_where_everybody_drew_everything_all_pairs_of_drawers_are_asked(setup: OneshotSetup) -> None:
    examples = setup.class_split.evaluation
    tasks = within_alphabets(examples)
    assert same_tasks(tasks, lake_extended(examples, 0))
    assert len(tasks) == 2 * 4 * 3


@pytest.mark.parametrize("case", ["unknown", "one unknown", "one missing", "each by another"])
def test_elsewhere_tasks_are_drawn_at_random(setup: OneshotSetup, case: str) -> None:
    examples = setup.class_split.evaluation
    if case == "unknown":
        examples = with_drawers(examples, np.full(len(examples), -1))
    elif case == "one unknown":
        examples = with_drawers(examples, np.where(np.arange(len(examples)) == 5, -1, examples.drawers))
    elif case == "one missing":
        examples = examples.select(np.arange(1, len(examples)))
    else:  # nobody drew two characters
        examples = with_drawers(examples, np.arange(len(examples)))
    tasks = within_alphabets(examples)
    assert same_tasks(tasks, folder_tasks(examples, ways=20, shots=1, episodes=400, seed=0))
    assert len(tasks) == 400


def test_validation_asks_about_validation_alphabets(
    setup: OneshotSetup, tiny_oneshot_config: Oneshot
) -> None:
    examination = examine_validation(tiny_oneshot_config, setup)
    assert examination.examples is setup.class_split.validation
    assert same_tasks(examination.tasks, within_alphabets(setup.class_split.validation))
    assert examination.stand_in is None


def test_training_asks_about_as_many_background_alphabets(
    setup: OneshotSetup, tiny_oneshot_config: Oneshot
) -> None:
    examination = examine_training(tiny_oneshot_config, setup)
    names = examination.examples.present_alphabets()
    assert len(names) == len(setup.class_split.validation.present_alphabets()) == 1
    assert set(names) < set(setup.class_split.background.present_alphabets())
    assert examination.stand_in is None


def test_alphabets_that_nothing_can_be_asked_about_are_passed_over(
    setup: OneshotSetup, tiny_oneshot_config: Oneshot
) -> None:
    # Only the last alphabet keeps more than a single drawing of a single character.
    background = setup.class_split.background
    last = background.alphabets == background.alphabets.max()
    kept = np.flatnonzero(last | (background.classes % 6 == 0))
    fewer = replace(setup, class_split=replace(setup.class_split, background=background.select(kept)))
    examination = examine_training(tiny_oneshot_config, fewer)
    assert np.unique(examination.examples.alphabets).tolist() == [background.alphabets.max()]
    nothing = background.select(np.flatnonzero(background.classes % 6 == 0))
    with pytest.raises(DataError, match="no alphabet to train on has two classes of 2 or more"):
        examine_training(
            tiny_oneshot_config, replace(setup, class_split=replace(setup.class_split, background=nothing))
        )


def test_distortions_stand_in_for_further_examples(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    document = tiny_oneshot_config.model_dump()
    document["data"]["examples_per_class"] = 1
    config = Oneshot.model_validate(document)
    examination = examine_training(config, prepare_oneshot(config, Silent()))
    assert examination.stand_in == read_distortion(config)
    (task,) = examination.tasks
    np.testing.assert_array_equal(task.queries, task.supports[:, 0] + 6)


def test_stand_ins_are_asked_within_alphabets_twenty_at_most(
    tiny_oneshot_config: Oneshot, shared_cache: Path
) -> None:
    counts = (45, 21, 1)
    alphabets = np.repeat(np.arange(3), counts)
    names = tuple(map(str, range(67)))
    examples = Examples(
        np.zeros((67, 2, 2, 1), np.uint8),
        alphabets,
        np.arange(67),
        np.zeros(67, np.int64),
        names[:3],
        names,
        names,
        names,
    )
    tasks = stand_in_tasks(examples)
    # Of 21, the last one has nobody to be told apart from.
    assert sorted(len(task.supports) for task in tasks) == [5, 20, 20, 20]
    for task in tasks:
        assert len(np.unique(alphabets[task.supports])) == 1
        np.testing.assert_array_equal(task.queries, task.supports[task.answers, 0] + 67)
    asked = np.concatenate([task.queries for task in tasks])
    assert len(np.unique(asked)) == 65


def test_all_methods_and_seeds_get_the_same_tasks(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    first, second = (
        within_alphabets(read_classes(tiny_oneshot_config, Silent()).validation) for _ in range(2)
    )
    assert same_tasks(first, second)
