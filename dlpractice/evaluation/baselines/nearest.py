"""Nearest neighbour on raw pixels: what a learned similarity has to beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.storage.row_store import RowView
from dlpractice.evaluation.oneshot_tasks import Scorer


def make_scorer(pixels: NDArray[np.uint8] | RowView) -> Scorer:
    """Minus the Euclidean distance of the pixels, scaled to [0, 1]; of several shots the nearest counts.

    Args:
        pixels: (N, H, H, C) uint8; read as they are asked for.
    """

    def scorer(queries: NDArray[np.int64], supports: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        asked, shown = _flat(pixels[queries]), _flat(pixels[supports.ravel()])
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab: one matrix product. Exact for black and white, up to 2^24 pixels.
        squares = (asked**2).sum(axis=1)[:, np.newaxis] + (shown**2).sum(axis=1) - 2 * asked @ shown.T
        distances = np.sqrt(np.maximum(squares, 0)).reshape(-1, *supports.shape)
        return np.asarray(-distances.min(axis=2))

    return scorer


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
