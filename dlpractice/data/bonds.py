"""Which images stay together, whatever divides a data set."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class Bonds:
    """What binds N images: some to a group for good, some to a cluster as long as that can be afforded.

    Args:
        groups: (N,) int64. Images with the same number are copies, or belong together by the user's word.
        clusters: (N,) int64. Images with the same number look alike; -1 where an image is in no cluster.
    """

    groups: NDArray[np.int64]
    clusters: NDArray[np.int64]

    def select(self, which: NDArray[np.int64]) -> "Bonds":
        """The bonds of the images at the positions `which`."""
        return Bonds(self.groups[which], self.clusters[which])

    def without(self, torn: Collection[int]) -> "Bonds":
        """The bonds that are left when the clusters of these numbers bind no more."""
        return replace(self, clusters=np.where(np.isin(self.clusters, list(torn)), -1, self.clusters))

    def joined(self) -> NDArray[np.int64]:
        """(N,) int64: for each image the first one that it is bound to, by groups or by clusters."""
        clusters = [None if number < 0 else number for number in self.clusters.tolist()]
        return connected(len(self.groups), [*same_key(self.groups.tolist()), *same_key(clusters)])


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
