"""What is worth seeing of a one-shot run, collected as plain arrays, so that others can draw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.evaluation.projection import project
from dlpractice.recipes.oneshot.embedding_answers import embed
from dlpractice.recipes.oneshot.results import Scored
from dlpractice.recipes.oneshot.setup import OneshotSetup
from dlpractice.training.forward import Forward
from dlpractice.training.pairs import EpisodeFeed

_PAIRS = 24
_CLASSES, _EXAMPLES = 12, 20
_FEWEST_POINTS = 4

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Failure:
    """A query that was answered wrongly: `query` (H, H, C), `supports` (W, H, H, C), their `scores` (W,), the
    rows of the true and of the predicted class (-1 at a tie)."""

    title: str
    query: Images
    supports: Images
    scores: NDArray[np.floating[Any]]
    true: int
    predicted: int


@dataclass(frozen=True)
class Pictures:
    """Arrays to draw a one-shot run from.

    `pairs` is (2P, S, S, C): images, two by two, as the net sees them in training; `same` is (P,). `points`
    is (N, 2): the embedding of some test classes in two dimensions, with their `labels` (N,), positions in
    `names`.
    """

    pairs: Images
    same: NDArray[np.bool_]
    failures: Sequence[Failure]
    points: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]
    names: tuple[str, ...]


def collect_pictures(
    config: Oneshot, setup: OneshotSetup, feed: EpisodeFeed, forward: Forward, scored: Scored
) -> Pictures:
    """Training pairs of the first batch, all failed queries of the headline protocol's runs, and the
    embedding of one alphabet of the test."""
    pairs, same = _pick_pairs(feed)
    shown = _pick_classes(setup.class_split.evaluation)
    embeddings = embed(forward, shown, config.data.image_size)
    codes, labels = np.unique(shown.classes, return_inverse=True)
    names = tuple(shown.class_names[code] for code in codes)
    return Pictures(pairs, same, Failures(scored), project(embeddings, config.seed), labels, names)


def _pick_pairs(feed: EpisodeFeed) -> tuple[Images, NDArray[np.bool_]]:
    """As many same as different pairs, of the first batch."""
    seen, labels = feed.prepare(*next(iter(feed.batches(0))))
    views = np.asarray(seen).clip(0, 255).astype(np.uint8)
    rng = np.random.default_rng(feed.seed)
    first, second = np.triu_indices(len(labels), 1)
    equal = labels[first] == labels[second]
    kinds = [np.flatnonzero(equal == kind) for kind in (True, False)]
    chosen = [rng.choice(places, _PAIRS // 2) for places in kinds if len(places)]
    order = rng.permutation(np.concatenate(chosen))
    pairs = np.stack([views[first[order]], views[second[order]]], axis=1)
    return pairs.reshape(-1, *views.shape[1:]), equal[order]


class Failures(Sequence[Failure]):
    """The queries of the headline protocol that were not answered with their class, with their tasks.

    There may be thousands, so each is put together when it is asked for.
    """

    def __init__(self, scored: Scored) -> None:
        self._headline, self._answers = scored.headline, scored.answers
        self._places = np.flatnonzero(~scored.answers.correct)
        self._starts = np.searchsorted(scored.answers.tasks, np.arange(len(scored.headline.tasks)))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, which: int) -> Failure: ...
    @overload
    def __getitem__(self, which: slice) -> list[Failure]: ...
    def __getitem__(self, which: int | slice) -> Failure | list[Failure]:
        if isinstance(which, slice):
            return [self[number] for number in range(*which.indices(len(self)))]
        place = int(self._places[which])
        answers, pixels = self._answers, self._headline.examples.pixels
        number = int(answers.tasks[place])
        task = self._headline.tasks[number]
        return Failure(
            f"task {number + 1}, {answers.groups[place]}",
            pixels[answers.queries[place : place + 1]][0],
            np.asarray(pixels[task.supports[:, 0]]),
            answers.scores[number][place - self._starts[number]],
            int(answers.truth[place]),
            int(answers.predicted[place]),
        )


def _pick_classes(examples: Examples) -> Examples:
    """Up to twenty examples of up to twelve classes of the alphabet that has most; of all examples, where
    these are too few for a map."""
    largest = int(np.bincount(examples.alphabets).argmax())
    inside = examples.select(np.flatnonzero(examples.alphabets == largest))
    shown = inside if len(inside) >= _FEWEST_POINTS else examples
    members = list(shown.by_class().values())[:_CLASSES]
    return shown.select(np.concatenate([places[:_EXAMPLES] for places in members]))
