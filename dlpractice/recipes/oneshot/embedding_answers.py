"""Tasks answered by comparing embeddings, each image embedded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.distortion import Distortion
from dlpractice.evaluation.oneshot_tasks import Task
from dlpractice.layers.similarity import Similarity
from dlpractice.training.assignment import Scores
from dlpractice.training.batches.supply import Streamed, Supply
from dlpractice.training.batches.views import DistortedViews, PlainViews
from dlpractice.training.forward import Forward, forward_all

Floats = NDArray[np.float32]

_LARGEST_GROUP = 5000
"""100 MB of similarities."""


def embed(forward: Forward, examples: Examples, image_size: int, turns: int = 1) -> Floats:
    """(turns N, D) embeddings; row i + t N is example i in quarter turn t."""
    return forward_all(forward, PlainViews(Streamed(examples.pixels), image_size, turns))


def embed_views(
    forward: Forward, examples: Examples, image_size: int, distortion: Distortion, views: int
) -> Floats:
    """(N, D) sums of the embeddings, brought to length 1, of an example and of its distorted views.

    views: how many in all; test-time augmentation.
    """
    total = _unit(embed(forward, examples, image_size))
    for seed in range(1, views):
        total += _unit(
            forward_all(forward, DistortedViews(Streamed(examples.pixels), image_size, distortion, seed))
        )
    return total


def _unit(embeddings: Floats) -> Floats:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(lengths, 1e-12))


class EmbeddingScorer:
    """Scores queries against supports by the similarity of their embeddings.

    Of several examples of a class the embeddings are averaged (Snell et al. 2017).

    Args:
        groups: (N,) int64, for tasks that stay within a group and ask often: the similarities of all examples
            of a group are computed at once and looked up, unless the group is too large for that.
    """

    def __init__(
        self, embeddings: Floats, similarity: Similarity, groups: NDArray[np.int64] | None = None
    ) -> None:
        if groups is not None and np.unique(groups, return_counts=True)[1].max() > _LARGEST_GROUP:
            groups = None
        self._embeddings, self._similarity, self._groups = embeddings, similarity, groups
        self._group = -1
        self._block: Floats = np.empty((0, 0), np.float32)
        self._place = np.zeros(len(embeddings), np.int64)

    def __call__(self, queries: NDArray[np.int64], supports: NDArray[np.int64]) -> Floats:
        """(Q,) and (W, K) indices -> (Q, W) similarities."""
        if self._groups is not None and supports.shape[1] == 1:
            self._look_at(int(self._groups[queries[0]]))
            return self._block[np.ix_(self._place[queries], self._place[supports[:, 0]])]
        means = self._embeddings[supports].mean(axis=1)
        return self._similarity.compare(self._embeddings[queries], means)

    def _look_at(self, group: int) -> None:
        if group == self._group or self._groups is None:
            return
        members = np.flatnonzero(self._groups == group)
        self._group, self._place[members] = group, np.arange(len(members))
        embeddings = self._embeddings[members]
        self._block = self._similarity.compare(embeddings, embeddings)


def score_pairs(
    embeddings: Floats, indices: NDArray[np.int64], similarity: Similarity, batch_size: int = 1000
) -> NDArray[np.float32]:
    """(P,) similarities of the examples at (P, 2) indices."""
    parts = [
        similarity([embeddings[rows[:, 0]], embeddings[rows[:, 1]]])
        for rows in np.array_split(indices, max(1, len(indices) // batch_size))
    ]
    return np.concatenate([np.asarray(part) for part in parts])


@dataclass(frozen=True)
class TaskExamination:
    """Scores an encoder on one-shot tasks within alphabets, as validation does after each epoch.

    stand_in: where given, index i + N of a task is example i distorted by it, always in the same way.
    """

    examples: Examples
    tasks: tuple[Task, ...]
    similarity: Similarity
    image_size: int
    stand_in: Distortion | None = None

    @property
    def questions(self) -> list[Supply]:
        """The examples, and what stands in for them."""
        pixels = Streamed(self.examples.pixels)
        plain = PlainViews(pixels, self.image_size)
        if self.stand_in is None:
            return [plain]
        return [plain, DistortedViews(pixels, self.image_size, self.stand_in)]

    def score(self, answers: Sequence[Floats]) -> Scores:
        """Mean cross-entropy in nats, with the similarities for logits, and accuracy; a tie is an error."""
        embeddings, groups = np.concatenate(answers), np.tile(self.examples.alphabets, len(answers))
        scorer = EmbeddingScorer(embeddings, self.similarity, groups)
        losses: list[Any] = []
        correct: list[Any] = []
        for task in self.tasks:
            scores = scorer(task.queries, task.supports)
            rows = np.arange(len(scores))
            own = scores[rows, task.answers]
            losses.append(-log_softmax(scores.astype(np.float64), axis=1)[rows, task.answers])
            correct.append((scores >= own[:, None]).sum(axis=1) == 1)
        return float(np.concatenate(losses).mean()), float(np.concatenate(correct).mean())
