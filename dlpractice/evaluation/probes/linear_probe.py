"""Linear probes: how well a linear classifier reads the classes from features (Alain and Bengio 2016,
arXiv:1610.01644), each image judged by a classifier that has seen neither it nor what is bound to it."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
_LOOSENESS = 100.0
"""One over the ridge, for features of length 1. On 100 to 719 digits through VGG16 the order of the blocks is
the same from 1 to 1,000, and the best block is read best at 100 (0.3 points better than at 10)."""
_FLOOR = 1e-2
"""Of the mean variance of features: a feature that varies less is scaled as if it varied so much."""


def count_folds(labels: NDArray[np.int64], groups: Sequence[str]) -> int:
    """How many folds N images can be divided into: at most `FOLDS`, and no more than the class with the
    fewest groups has of these.

    Args:
        labels: (N,) int64. groups: (N,) what each image is bound to.
    """
    separate = {(label, group) for label, group in zip(labels.tolist(), groups, strict=True)}
    counts = np.unique([label for label, _ in separate], return_counts=True)[1]
    return min(FOLDS, int(counts.min()))


def divide_folds(
    labels: NDArray[np.int64], groups: Sequence[str], folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """`folds` pairs of the numbers of images to fit on and to judge: every image is judged once, classes are
    spread evenly, and what is in one group is in one fold."""
    from sklearn.model_selection import StratifiedGroupKFold  # takes a second to import

    divider = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [(np.asarray(fit), np.asarray(judge)) for fit, judge in divider.split(labels, labels, groups)]


def judge_features(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.bool_]:
    """(N,) whether the class of each image is read rightly from its (N, D) features, in the fold that judges
    it.

    The classifier is a logistic regression on standardised features with a weak ridge.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    right = np.zeros(len(labels), np.bool_)
    # Products of a few hundred rows: threads that wait for each other take ten times the time of one.
    with threadpool_limits(1):
        for fit, judge in folds:
            right[judge] = _predict(features[fit], labels[fit], features[judge]) == labels[judge]
    return right


def _predict(
    seen: NDArray[np.float32], labels: NDArray[np.int64], unseen: NDArray[np.float32]
) -> NDArray[np.int64]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) == 1:
        return np.full(len(unseen), labels[0])
    known, new = standardise(seen, seen), standardise(unseen, seen)
    classifier = LogisticRegression(C=_LOOSENESS, max_iter=300, tol=1e-3)
    with warnings.catch_warnings():  # a probe that stops a little early is still a probe
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(classifier.fit(known, labels).predict(new))


def standardise(features: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, D) features less the mean of the (M, D) features `like`, over their deviation and the root of D, so
    that the squares of an image add up to about 1 whatever D is."""
    values, known = features.astype(np.float64), like.astype(np.float64)
    variance = known.var(axis=0)
    floor = max(float(variance.mean()) * _FLOOR, 1e-12)
    scale = np.sqrt(np.maximum(variance, floor) * features.shape[1])
    return np.asarray((values - known.mean(axis=0)) / scale)


def pick_sample(labels: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """The numbers of up to `most` of N images, in rising order: as many of each class, as far as it has them,
    and 10 of each in any case."""
    order = np.random.default_rng(seed).permutation(len(labels))
    share = max(10, most // len(np.unique(labels)))
    return np.sort(np.concatenate([rows[:share] for rows in _by_class(labels, order)]))


def _by_class(labels: NDArray[np.int64], order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for label in np.unique(labels):
        yield order[labels[order] == label]
