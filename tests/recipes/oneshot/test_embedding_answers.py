"""Scores by embeddings, against loops over pairs of images."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.evaluation.oneshot_tasks import Task
from dlpractice.layers.similarity import Cosine, NegativeDistance, Similarity
from dlpractice.recipes.oneshot import embedding_answers
from dlpractice.recipes.oneshot.embedding_answers import (
    EmbeddingScorer,
    TaskExamination,
    embed,
    embed_views,
    score_pairs,
)
from dlpractice.training.batches.supply import Streamed
from dlpractice.training.batches.views import DistortedViews
from dlpractice.training.forward import Forward, forward_all, forward_each

RNG = np.random.default_rng(0)
EMBEDDINGS = RNG.normal(size=(12, 5)).astype(np.float32)
GROUPS = np.repeat([3, 7], 6)


def make_examples(pixels: NDArray[np.uint8]) -> Examples:
    """Two alphabets of three classes with two drawings each."""
    names = tuple(map(str, range(12)))
    alphabets, classes, drawers = np.arange(12) // 6, np.arange(12) // 2, np.arange(12) % 2
    return Examples(pixels, alphabets, classes, drawers, names[:2], names[:6], names, names)


PIXELS = RNG.integers(0, 256, (12, 6, 6, 1), np.uint8)
EXAMPLES = make_examples(PIXELS)


def flatten(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stands for a net: the pixels themselves, the mean subtracted."""
    return images.reshape(len(images), -1) - 127.5


def see(net: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Forward:
    """The forward pass of what stands for a net."""
    return Forward(lambda sent, receive: lambda: net(receive(*map(tf.constant, sent)).numpy()))


def examine(examination: TaskExamination, forward: Forward) -> tuple[float, float]:
    return examination.score(forward_each(forward, examination.questions))


def distort(distortion: Distortion, seed: int = 0) -> NDArray[np.float32]:
    return forward_all(see(flatten), DistortedViews(Streamed(PIXELS), 6, distortion, seed))


def likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(4.0 * cosine)


def test_each_example_is_embedded_in_each_turn() -> None:
    rows = embed(see(flatten), EXAMPLES, 6, turns=4)
    assert rows.shape == (48, 36)
    for turn in range(4):
        wanted = flatten(np.rot90(PIXELS, turn, axes=(1, 2)).astype(np.float32))
        np.testing.assert_allclose(rows[12 * turn : 12 * turn + 12], wanted, atol=1e-2)


def test_views_are_summed_at_length_one() -> None:
    distortion = Distortion(probability=1.0)
    parts = [flatten(PIXELS.astype(np.float32))]
    for seed in (1, 2):
        parts.append(distort(distortion, seed))
    wanted = sum(part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts)
    np.testing.assert_allclose(
        embed_views(see(flatten), EXAMPLES, 6, distortion, 3), wanted, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("shots", [1, 3])
def test_scores_are_similarities_to_means(groups: NDArray[np.int64] | None, shots: int) -> None:
    scorer = EmbeddingScorer(EMBEDDINGS, Cosine(4.0), groups)
    for first in (0, 6, 0):  # one group, the other, and the first again
        members = first + np.random.default_rng(first).permutation(6)
        supports, queries = members[: 2 * shots].reshape(2, shots), members[-2:]
        found = scorer(queries, supports)
        for row, query in enumerate(queries):
            for column, support in enumerate(supports):
                wanted = likeness(EMBEDDINGS[query], EMBEDDINGS[support].mean(axis=0))
                assert found[row, column] == pytest.approx(wanted, abs=1e-4)


def test_a_group_that_is_too_large_is_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(NegativeDistance):
        largest = 0

        def compare(self, queries: NDArray[Any], supports: NDArray[Any]) -> NDArray[np.float32]:
            Counted.largest = max(Counted.largest, len(queries) * len(supports))
            return super().compare(queries, supports)

    queries, supports = np.array([0, 1]), np.array([[2], [3], [4]])
    whole = EmbeddingScorer(EMBEDDINGS, Counted(), GROUPS)(queries, supports)
    assert Counted.largest == 36
    Counted.largest = 0
    monkeypatch.setattr(embedding_answers, "_LARGEST_GROUP", 5)
    np.testing.assert_allclose(
        EmbeddingScorer(EMBEDDINGS, Counted(), GROUPS)(queries, supports), whole, atol=1e-5
    )
    assert Counted.largest == 6


def make_tasks(offset: int = 0) -> tuple[Task, ...]:
    """Each alphabet's three classes, the first drawing of each for support, and all others asked."""
    tasks = []
    for first in (0, 6):
        supports = np.arange(first, first + 6, 2)
        queries = supports + offset if offset else supports + 1
        tasks.append(Task(("",) * 3, supports[:, None], queries, np.arange(3)))
    return tuple(tasks)


@pytest.mark.parametrize("stand_in", [None, Distortion(probability=1.0)])
def test_an_examination_is_cross_entropy_and_accuracy(stand_in: Distortion | None) -> None:
    tasks = make_tasks() if stand_in is None else make_tasks(offset=12)
    found = examine(TaskExamination(EXAMPLES, tasks, Cosine(4.0), 6, stand_in), see(flatten))
    rows = flatten(PIXELS.astype(np.float32))
    if stand_in is not None:
        rows = np.concatenate([rows, distort(stand_in)])
    losses, right = [], []
    for task in tasks:
        for query, answer in zip(task.queries, task.answers, strict=True):
            scores = np.array([likeness(rows[query], rows[support]) for support in task.supports[:, 0]])
            losses.append(np.log(np.exp(scores).sum()) - scores[answer])
            right.append(scores.argmax() == answer)
    assert found[0] == pytest.approx(np.mean(losses), rel=1e-4)
    assert found[1] == np.mean(right)


@pytest.mark.parametrize("similarity", [Cosine(10.0), NegativeDistance()])
def test_a_net_that_tells_nothing_apart_is_right_never(similarity: Similarity) -> None:
    def collapse(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ones((len(images), 3), np.float32)

    loss, accuracy = examine(TaskExamination(EXAMPLES, make_tasks(), similarity, 6), see(collapse))
    assert accuracy == 0.0
    assert loss == pytest.approx(np.log(3), rel=1e-5)


@pytest.mark.parametrize("count", [1, 999, 2500])
def test_pairs_are_scored_in_any_number(count: int) -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(50, 3)).astype(np.float32)
    indices = rng.integers(50, size=(count, 2))
    wanted = -np.square(embeddings[indices[:, 0]] - embeddings[indices[:, 1]]).sum(axis=1)
    np.testing.assert_allclose(score_pairs(embeddings, indices, NegativeDistance()), wanted, atol=1e-5)
