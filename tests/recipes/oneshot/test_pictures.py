"""What is shown of a one-shot run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.evaluation.oneshot_tasks import Task, answer
from dlpractice.models.siamese import Verdict
from dlpractice.progress import Silent
from dlpractice.recipes.oneshot.oneshot import make_feed
from dlpractice.recipes.oneshot.pictures import Failures, Pictures, collect_pictures
from dlpractice.recipes.oneshot.results import Protocol, Scored
from dlpractice.recipes.oneshot.setup import OneshotSetup, prepare_oneshot
from dlpractice.training.batches.supply import Receive
from dlpractice.training.batches.views import view_batch
from dlpractice.training.forward import Forward


def make_examples(sizes: tuple[tuple[int, int], ...]) -> Examples:
    """Alphabets of (classes, drawings of each); every image is of one grey that is its number."""
    alphabets: list[int] = []
    classes: list[int] = []
    for alphabet, (size, drawings) in enumerate(sizes):
        first = len(set(classes))
        for code in range(first, first + size):
            alphabets += [alphabet] * drawings
            classes += [code] * drawings
    count = len(classes)
    names = tuple(map(str, range(count)))
    pixels = np.full((count, 4, 4, 1), np.arange(count).reshape(-1, 1, 1, 1) % 256, np.uint8)
    drawers = np.full(count, -1)
    return Examples(
        pixels, np.array(alphabets), np.array(classes), drawers, names[: len(sizes)], names, names, names
    )


def make_scored() -> Scored:
    """Two tasks of two classes: three failures, one of them a tie."""
    examples = make_examples(((4, 3),))
    tables = (np.array([[2.0, 1.0], [3.0, 0.0]]), np.array([[0.0, 4.0], [5.0, 5.0]]))
    tasks = tuple(
        Task(("a", "a"), np.array([[first], [first + 3]]), np.array([first + 1, first + 4]), np.arange(2))
        for first in (0, 6)
    )

    def scorer(queries: NDArray[np.int64], supports: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(tables[supports[0, 0] // 6][np.ix_(queries // 3 % 2, supports[:, 0] // 3 % 2)])

    return Scored({}, Protocol("p", examples, tasks), answer(tasks, scorer, 0), Verdict(), {})


def test_failures_are_those_of_the_answers_with_their_tasks() -> None:
    failures = Failures(make_scored())
    assert len(failures) == 3
    found = [
        (failure.title, int(failure.query[0, 0, 0]), failure.true, failure.predicted) for failure in failures
    ]
    assert found == [("task 1, a", 4, 1, 0), ("task 2, a", 7, 0, 1), ("task 2, a", 10, 1, -1)]
    assert [failure.supports[:, 0, 0, 0].tolist() for failure in failures] == [[0, 3], [6, 9], [6, 9]]
    assert [failure.scores.tolist() for failure in failures] == [[3, 0], [0, 4], [5, 5]]
    assert [failure.true for failure in failures[1:5]] == [0, 1]
    assert failures[-1].predicted == -1
    with pytest.raises(IndexError):
        failures[3]


@pytest.fixture(scope="module")
def setup(tiny_oneshot_config: Oneshot, shared_cache: Path) -> OneshotSetup:
    return prepare_oneshot(tiny_oneshot_config, Silent())


def collect(config: Oneshot, setup: OneshotSetup) -> Pictures:
    def flatten(sent: Sequence[NDArray[Any]], receive: Receive) -> Callable[[], NDArray[np.float32]]:
        images = np.asarray(receive(*map(tf.constant, sent)))
        return lambda: images.reshape(len(images), -1)

    return collect_pictures(config, setup, make_feed(config, setup), Forward(flatten), make_scored())


def test_pairs_are_as_the_first_batch_is_seen(tiny_oneshot_config: Oneshot, setup: OneshotSetup) -> None:
    pictures = collect(tiny_oneshot_config, setup)
    assert pictures.pairs.shape == (48, 16, 16, 1)
    assert pictures.pairs.dtype == np.uint8
    assert pictures.same.sum() == 12
    images, *moves, labels = next(iter(make_feed(tiny_oneshot_config, setup).batches(0)))
    views = np.asarray(view_batch(images, *moves, 16)).clip(0, 255).astype(np.uint8)
    label_of = {view.tobytes(): label for view, label in zip(views, labels, strict=True)}
    for first, second, same in zip(pictures.pairs[::2], pictures.pairs[1::2], pictures.same, strict=True):
        assert (label_of[first.tobytes()] == label_of[second.tobytes()]) == same


@pytest.mark.parametrize(
    ("sizes", "classes", "points"),
    [
        (((2, 2), (3, 5), (2, 3)), 3, 15),  # the alphabet with most examples
        (((14, 3),), 12, 36),  # no more than twelve classes
        (((2, 30),), 2, 40),  # and twenty examples of each
        (((1, 2), (1, 3)), 2, 5),  # too few in one alphabet, and then all there are
    ],
)
def test_the_map_is_of_some_classes_of_one_alphabet(
    sizes: tuple[tuple[int, int], ...],
    classes: int,
    points: int,
    tiny_oneshot_config: Oneshot,
    setup: OneshotSetup,
) -> None:
    evaluation = make_examples(sizes)
    class_split: ClassSplit = replace(setup.class_split, evaluation=evaluation)
    pictures = collect(tiny_oneshot_config, replace(setup, class_split=class_split))
    assert pictures.points.shape == (points, 2)
    assert len(pictures.names) == classes
    assert np.unique(pictures.labels).tolist() == list(range(classes))
