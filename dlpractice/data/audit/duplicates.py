"""Which images are the same: by their bytes, or to the eye."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Smaller images have too little detail to tell two similar drawings from two copies of one.
MIN_SIDE = 32

# Among 3,000 photographs of cats and dogs no pair of different pictures came above a correlation of 0.76
# within 14 bits; copies that were re-encoded (JPEG quality 30), resized (to 80 %), brightened or darkened
# stayed above 0.985 and within 8 bits.
MAX_BITS = 8
MIN_CORRELATION = 0.985

_MIN_CONTRAST = 2.0
_BLOCK = 2048


def near_pairs(thumbnails: NDArray[np.uint8], sides: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Pairs i < j of images that look the same, sorted.

    Two thumbnails match where their perceptual hashes differ in at most MAX_BITS of 64 bits and their grey
    levels correlate by at least MIN_CORRELATION, which disregards brightness and contrast.

    Args:
        thumbnails: (N, 32, 32) uint8, grey.
        sides: (N,) the shorter side of each image in pixels; those below MIN_SIDE are not compared.
    """
    contrast = thumbnails.std(axis=(1, 2))
    compared = np.flatnonzero((sides >= MIN_SIDE) & (contrast >= _MIN_CONTRAST))
    hashes = perceptual_hash(thumbnails[compared])
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(hashes), _BLOCK):
        for other in range(start, len(hashes), _BLOCK):
            bits = np.bitwise_count(
                hashes[start : start + _BLOCK, None] ^ hashes[None, other : other + _BLOCK]
            )
            first, second = np.nonzero(bits <= MAX_BITS)
            first, second = first + start, second + other
            later = first < second
            pairs += _correlated(thumbnails, compared[first[later]], compared[second[later]])
    return sorted(pairs)


def perceptual_hash(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64 bits per thumbnail: which of its 8 x 8 lowest cosine coefficients lie above their median.

    After Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010),
    https://phash.org.

    Args:
        thumbnails: (N, S, S) uint8, grey.
    Returns:
        (N,) uint64.
    """
    side = thumbnails.shape[1]
    positions = (np.arange(side) + 0.5) * np.pi / side
    cosines = np.cos(np.arange(8)[:, None] * positions).astype(np.float32)
    low = (cosines @ thumbnails.astype(np.float32) @ cosines.T).reshape(-1, 64)
    # The first coefficient is the mean brightness; it would only pull the median.
    above = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64).reshape(-1)


def connected(size: int, links: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """(size,) int64: for each member the smallest one that it is linked to, directly or through others."""
    first, second = np.array([*links], np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    _, smallest = np.unique(component, return_index=True)
    return np.asarray(smallest[component], np.int64)


def same_key(keys: Sequence[Hashable | None]) -> list[tuple[int, int]]:
    """Links each position to the first one with an equal key; positions with None are linked to nothing."""
    first: dict[Hashable, int] = {}
    links = []
    for position, key in enumerate(keys):
        if key is not None and first.setdefault(key, position) != position:
            links.append((first[key], position))
    return links


def _correlated(
    thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]
) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(first), _BLOCK):
        one, two = first[start : start + _BLOCK], second[start : start + _BLOCK]
        correlation = (_standardised(thumbnails[one]) * _standardised(thumbnails[two])).sum(axis=1)
        alike = correlation >= MIN_CORRELATION
        pairs += list(zip(one[alike].tolist(), two[alike].tolist(), strict=True))
    return pairs


def _standardised(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, S * S) float32 with mean 0 and length 1, so that a product of two is their correlation."""
    grey = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    grey -= grey.mean(axis=1, keepdims=True)
    standardised: NDArray[np.float32] = grey / np.linalg.norm(grey, axis=1, keepdims=True)
    return standardised
