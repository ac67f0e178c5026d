"""Where in an image the evidence for a class lies, found by covering parts of it.

Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014: the more a score falls
while a place is covered, the more the place speaks for it. Any net can be asked so, wherever it is kept.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CELLS = 8
"""Cells of a map, a side."""
_COVERED = 2  # cells a side that are covered at a time
_PLACES = CELLS - _COVERED + 1


def cover_parts(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(S, S, C) -> (49, S, S, C) float32: a square of a quarter of the side covered with the mean colour,
    in each of seven times seven places that overlap by half."""
    covered = np.repeat(pixels[np.newaxis].astype(np.float32), _PLACES**2, axis=0)
    edges = np.linspace(0, len(pixels), CELLS + 1).round().astype(int)
    colour = pixels.mean((0, 1))
    for copy, (y, x) in zip(covered, np.ndindex(_PLACES, _PLACES), strict=True):
        copy[edges[y] : edges[y + _COVERED], edges[x] : edges[x + _COVERED]] = colour
    return covered


def map_falls(whole: float, scores: ArrayLike) -> NDArray[np.float64]:
    """(CELLS, CELLS): in each cell the mean fall of the score, from `whole`, while the cell was covered.

    scores: (49,) of what `cover_parts` gave, in its order.
    """
    falls = whole - np.reshape(scores, (_PLACES, _PLACES)).astype(np.float64)
    total, count = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
    for y, x in np.ndindex(_PLACES, _PLACES):
        total[y : y + _COVERED, x : x + _COVERED] += falls[y, x]
        count[y : y + _COVERED, x : x + _COVERED] += 1
    return np.asarray(total / count)


def scale_map(values: ArrayLike) -> NDArray[np.float64]:
    """A map whose greatest value is 1, and 0 where something speaks against the class; all 0 if it does."""
    positive = np.maximum(np.asarray(values, np.float64), 0)
    return np.asarray(positive / positive.max() if positive.max() > 0 else positive)
