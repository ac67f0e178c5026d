"""Compares feature maps place by place; a place may look around itself for its counterpart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.evaluation.oneshot_tasks import Scorer

Floats = NDArray[np.floating[Any]]


def make_scorer(maps: Floats, reach: int) -> Scorer:
    """Scores for strokes that may lie a little elsewhere in the other image (local alignment).

    Each place of one map is compared, by the inner product, with the places of the other map that are at most
    `reach` rows and columns away, and the best of them counts. The score is the sum over the places of both
    maps, divided by the maps' lengths. It is symmetric, and lies in [-1, 1] if the maps are nowhere negative.
    With a reach of 0 it is the cosine of the flattened maps. Of several shots the mean counts.

    Args:
        maps: (N, h, w, c), one map for each example.
    """
    lengths = np.sqrt(np.square(maps).sum(axis=(1, 2, 3), keepdims=True))
    units = maps / np.maximum(lengths, 1e-12)

    def scorer(queries: NDArray[np.int64], supports: NDArray[np.int64]) -> Floats:
        shown = units[supports.ravel()]
        rows = [_score_one(units[query], shown, reach) for query in queries]
        return np.asarray(np.stack(rows).reshape(len(queries), *supports.shape).mean(axis=2))

    return scorer


def _score_one(query: Floats, supports: Floats, reach: int) -> Floats:
    """(h, w, c) and (S, h, w, c) -> (S,)."""
    height, width, _ = query.shape
    best_of_query = np.full((len(supports), height, width), -np.inf)
    best_of_support = np.full_like(best_of_query, -np.inf)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            # query place (y, x) with support place (y + down, x + right), where both are on their maps
            of_query = _overlap(height, -down), _overlap(width, -right)
            of_support = _overlap(height, down), _overlap(width, right)
            likeness = np.einsum("hwc,shwc->shw", query[of_query], supports[(slice(None), *of_support)])
            for best, part in ((best_of_query, of_query), (best_of_support, of_support)):
                view = best[(slice(None), *part)]
                np.maximum(view, likeness, out=view)
    return np.asarray((best_of_query + best_of_support).sum(axis=(1, 2)) / 2)


def _overlap(size: int, step: int) -> slice:
    """The rows (or columns), of `size`, that still have a counterpart after a move by `step`."""
    return slice(max(step, 0), size + min(step, 0))
