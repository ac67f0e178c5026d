"""What is worth seeing of a one-shot run, as plain arrays, for whoever draws it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Oneshot
from dlpractice.data.examples import Examples
from dlpractice.evaluation.projection import project
from dlpractice.recipes.embedding import embed
from dlpractice.recipes.oneshot_results import Scored
from dlpractice.recipes.oneshot_setup import OneshotSetup
from dlpractice.training.pairs import EpisodeFeed
from dlpractice.training.steps import Forward
from dlpractice.training.views import view_batch

_PAIRS = 24
_CLASSES = 12

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
    """pairs: (2P, S, S, C) images, two by two, as the net sees them in training; same: (P,). points: (N, 2),
    the embedding of some test classes in two dimensions, with their labels (N,) in `names`."""

    pairs: Images
    same: NDArray[np.bool_]
    failures: tuple[Failure, ...]
    points: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]
    names: tuple[str, ...]


def collect_pictures(
    config: Oneshot, setup: OneshotSetup, feed: EpisodeFeed, forward: Forward, scored: Scored
) -> Pictures:
    """Training pairs of the first batch, all failed queries of the headline protocol's runs, and the
    embedding of one alphabet of the test."""
    pairs, same = _pick_pairs(feed)
    shown = _pick_classes(setup.division.evaluation)
    embeddings = embed(forward, shown, config.data.image_size)
    codes, labels = np.unique(shown.classes, return_inverse=True)
    names = tuple(shown.class_names[code] for code in codes)
    return Pictures(pairs, same, list_failures(scored), project(embeddings, config.seed), labels, names)


def _pick_pairs(feed: EpisodeFeed) -> tuple[Images, NDArray[np.bool_]]:
    """As many same as different pairs, of the first batch; different ones within an alphabet where they are
    near each other in the batch."""
    images, transforms, pens, fields, labels = next(iter(feed.batches(0)))
    seen = view_batch(images, transforms, pens, fields, feed.image_size)
    views = np.asarray(seen).clip(0, 255).astype(np.uint8)
    rng = np.random.default_rng(feed.seed)
    first, second = np.triu_indices(len(labels), 1)
    equal = labels[first] == labels[second]
    chosen = [rng.choice(np.flatnonzero(equal == kind), _PAIRS // 2) for kind in (True, False)]
    order = rng.permutation(np.concatenate(chosen))
    pairs = np.stack([views[first[order]], views[second[order]]], axis=1)
    return pairs.reshape(-1, *views.shape[1:]), equal[order]


def list_failures(scored: Scored) -> tuple[Failure, ...]:
    """The queries of the headline protocol that were not answered with their class, with their tasks."""
    examples, answers = scored.headline.examples, scored.answers
    starts = np.searchsorted(answers.tasks, np.arange(len(scored.headline.tasks)))
    failures = []
    for place in np.flatnonzero(~answers.correct):
        number = int(answers.tasks[place])
        task, row = scored.headline.tasks[number], int(place - starts[number])
        query = int(task.queries[row])
        failures.append(
            Failure(
                f"task {number + 1}, {answers.groups[place]}",
                examples.pixels[np.array([query])][0],
                np.asarray(examples.pixels[task.supports[:, 0]]),
                answers.scores[number][row],
                int(answers.truth[place]),
                int(answers.predicted[place]),
            )
        )
    return tuple(failures)


def _pick_classes(examples: Examples) -> Examples:
    """Up to twelve classes of the first alphabet."""
    inside = examples.of_alphabets(examples.present_alphabets()[:1])
    return inside.select(np.flatnonzero(np.isin(inside.classes, np.unique(inside.classes)[:_CLASSES])))
