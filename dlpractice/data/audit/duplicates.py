"""Which images look the same.

Two thumbnails match where their perceptual hashes differ in at most MAX_BITS of 64 bits and their grey levels
correlate by at least MIN_CORRELATION, which disregards brightness and contrast. A cluster is what hangs
together through such pairs. Pairs are neither kept nor all looked at: of N images that are all alike there
are N (N - 1) / 2.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dlpractice.data.storage.row_store import RowView

# Smaller images have too little detail to tell two similar drawings from two copies of one.
MIN_SIDE = 32

# Among 3,000 photographs of cats and dogs no pair of different pictures came above a correlation of 0.76
# within 14 bits; copies that were re-encoded (JPEG quality 30), resized (to 80 %), brightened or darkened
# stayed above 0.985 and within 8 bits.
MAX_BITS = 8
MIN_CORRELATION = 0.985

_MIN_CONTRAST = 2.0
_BLOCK = 1024
# One part more than bits may differ: then two hashes that match are equal in one part at least (Norouzi,
# Punjani and Fleet, "Fast search in Hamming space with multi-index hashing", 2012).
_PARTS = [
    np.uint64(sum(1 << int(bit) for bit in bits)) for bits in np.array_split(np.arange(64), MAX_BITS + 1)
]


def near_clusters(thumbnails: NDArray[np.uint8] | RowView, sides: NDArray[np.integer]) -> NDArray[np.int64]:
    """(N,) int64: for each image the first one that it looks like, directly or through others; or itself.

    Memory grows with N, not with the number of pairs, and by less than a thumbnail.

    Args:
        thumbnails: (N, 32, 32) uint8, grey; read in parts.
        sides: (N,) the shorter side of each image in pixels; those below MIN_SIDE are not compared.
    """
    contrast, hashes = np.empty(len(thumbnails)), np.empty(len(thumbnails), np.uint64)
    for start in range(0, len(thumbnails), _BLOCK):
        block = slice(start, start + _BLOCK)
        seen = thumbnails[block]
        contrast[block], hashes[block] = seen.std(axis=(1, 2)), perceptual_hash(seen)
    compared = np.flatnonzero((sides >= MIN_SIDE) & (contrast >= _MIN_CONTRAST))
    clusters = _Clusters(len(thumbnails))
    for part, bucket in _plan(compared, hashes[compared]):
        _join_alike(bucket, hashes, thumbnails, part, clusters)
    return clusters.of(np.arange(len(thumbnails)))


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


class _Clusters:
    """Disjoint sets of N members, each known by its smallest member."""

    def __init__(self, size: int) -> None:
        self._above = np.arange(size)

    def of(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """The set of each of `members`."""
        tops = self._above[members]
        while not np.array_equal(higher := self._above[tops], tops):
            tops = higher
        self._above[members] = tops
        return tops

    def join(self, ones: NDArray[np.int64], others: NDArray[np.int64], matching: NDArray[np.bool_]) -> None:
        """Joins the sets of each pair of `ones` and `others` that is true in `matching`, (ones, others)."""
        tops, places = np.unique(self.of(np.concatenate([ones, others])), return_inverse=True)
        first, second = np.nonzero(matching)
        edges = places[: len(ones)][first], places[len(ones) :][second]
        graph = coo_array((np.ones(len(first), np.bool_), edges), shape=(len(tops), len(tops)))
        _, component = connected_components(graph, directed=False)
        _, smallest = np.unique(component, return_index=True)
        self._above[tops] = tops[smallest[component]]


def _plan(members: NDArray[np.int64], hashes: NDArray[np.uint64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Buckets of members that have to be compared with each other, and the number of the part of their hashes
    that they share.

    Where so many hashes share parts that all against all is less work, all are one bucket.
    """
    plan = [(part, members[bucket]) for part, mask in enumerate(_PARTS) for bucket in _buckets(hashes & mask)]
    if sum(len(bucket) ** 2 for _, bucket in plan) > len(hashes) ** 2:
        return [(0, members)]
    return plan


def _buckets(values: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The positions of each value that occurs more than once."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order])) + 1
    return (bucket for bucket in np.split(order, starts) if len(bucket) > 1)


def _join_alike(
    bucket: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    thumbnails: NDArray[np.uint8] | RowView,
    part: int,
    clusters: _Clusters,
) -> None:
    """Joins the members of a bucket that match, in blocks; what is in one cluster already is not compared."""
    # Members of one cluster side by side, so that whole blocks of them can be passed over.
    bucket = bucket[np.argsort(clusters.of(bucket), kind="stable")]
    for start in range(0, len(bucket), _BLOCK):
        rows = bucket[start : start + _BLOCK]
        for other in range(start, len(bucket), _BLOCK):
            columns = bucket[other : other + _BLOCK]
            ones, others = clusters.of(rows), clusters.of(columns)
            if (ones == ones[0]).all():
                columns = columns[others != ones[0]]
                others = others[others != ones[0]]
            differing = hashes[rows, None] ^ hashes[columns]
            alike = (np.bitwise_count(differing) <= MAX_BITS) & (ones[:, None] != others)
            if not alike.any():
                continue
            for earlier in _PARTS[:part]:  # compared when they shared that part
                alike &= (differing & earlier) != 0
            if alike.any():
                _join_correlated(rows, columns, alike, thumbnails, clusters)


def _join_correlated(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    alike: NDArray[np.bool_],
    thumbnails: NDArray[np.uint8] | RowView,
    clusters: _Clusters,
) -> None:
    """Joins the pairs that are `alike`, (rows, columns) bool, if their grey levels correlate as well."""
    some_rows, some_columns = np.flatnonzero(alike.any(axis=1)), np.flatnonzero(alike.any(axis=0))
    ours = _standardised(thumbnails[rows[some_rows]])
    theirs = _standardised(thumbnails[columns[some_columns]])
    matching = alike[np.ix_(some_rows, some_columns)] & (ours @ theirs.T >= MIN_CORRELATION)
    if matching.any():
        clusters.join(rows[some_rows], columns[some_columns], matching)


def _standardised(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, S * S) float32 with mean 0 and length 1, so that a product of two is their correlation."""
    grey = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    grey -= grey.mean(axis=1, keepdims=True)
    standardised: NDArray[np.float32] = grey / np.linalg.norm(grey, axis=1, keepdims=True)
    return standardised
