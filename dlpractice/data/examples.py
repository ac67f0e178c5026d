"""Drawings, photographs or recordings with their class, the group of their class, and who made them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.storage.row_store import RowView
from dlpractice.errors import DataError

UNKNOWN_DRAWER = -1


@dataclass(frozen=True)
class Examples:
    """N examples of classes that belong to alphabets.

    `pixels` is (N, H, H, C) uint8 with C 1 or 3, values as in the file (dark ink on light paper), in memory
    or read from the disk when indexed. `alphabets`, `classes` and `drawers` are (N,) int64: positions in
    `alphabet_names` and `class_names`, and a number for who made it. A class belongs to one alphabet. Drawer
    numbers count within an alphabet: drawer 3 of two alphabets may be two people. -1 is an unknown drawer.
    `paths` and `sha256` have N entries; `sha256` is that of the file or of the packed pixels.
    """

    pixels: NDArray[np.uint8] | RowView
    alphabets: NDArray[np.int64]
    classes: NDArray[np.int64]
    drawers: NDArray[np.int64]
    alphabet_names: tuple[str, ...]
    class_names: tuple[str, ...]
    paths: tuple[str, ...]
    sha256: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def image_size(self) -> int:
        """The side of the kept squares, in pixels."""
        return self.pixels.shape[1]

    def select(self, indices: NDArray[np.int64]) -> "Examples":
        """The examples at `indices`, (n,) int64, in that order; names and codes stay as they are."""
        return replace(
            self,
            pixels=self.pixels.select(indices) if isinstance(self.pixels, RowView) else self.pixels[indices],
            alphabets=self.alphabets[indices],
            classes=self.classes[indices],
            drawers=self.drawers[indices],
            paths=tuple(self.paths[index] for index in indices.tolist()),
            sha256=tuple(self.sha256[index] for index in indices.tolist()),
        )

    def of_alphabets(self, names: Sequence[str]) -> "Examples":
        """The examples of the alphabets called `names`, in the order they are in here.

        Raises:
            DataError: a name that is no alphabet of these.
        """
        unknown = sorted(set(names) - set(self.alphabet_names))
        if unknown:
            raise DataError(
                f"no alphabet is called {', '.join(unknown)}",
                f"the alphabets are {', '.join(self.alphabet_names)}",
            )
        codes = [self.alphabet_names.index(name) for name in names]
        return self.select(np.flatnonzero(np.isin(self.alphabets, codes)))

    def present_alphabets(self) -> tuple[str, ...]:
        """The names of the alphabets that have examples."""
        return tuple(self.alphabet_names[code] for code in np.unique(self.alphabets).tolist())

    def drawer_names(self, indices: NDArray[np.int64]) -> list[str]:
        """Who made the examples at `indices`: alphabet and number, as drawer 3 of two may be two people; ""
        for an unknown one."""
        return [
            "" if drawer == UNKNOWN_DRAWER else f"{self.alphabet_names[alphabet]} {drawer}"
            for alphabet, drawer in zip(
                self.alphabets[indices].tolist(), self.drawers[indices].tolist(), strict=True
            )
        ]

    def single(self, seed: int) -> "Examples":
        """One example of each class, drawn by `seed`."""
        rng = np.random.default_rng(seed)
        drawn = [rng.choice(indices) for indices in self.by_class().values()]
        return self.select(np.sort(np.array(drawn, np.int64)))

    def by_class(self) -> dict[int, NDArray[np.int64]]:
        """The indices of each class that has examples, sorted by drawer; classes are in rising order."""
        order = np.lexsort((self.drawers, self.classes))
        present, starts = np.unique(self.classes[order], return_index=True)
        return dict(zip(present.tolist(), np.split(order, starts)[1:], strict=True))


def concatenate(parts: Sequence[Examples]) -> Examples:
    """All examples of several parts, in memory, with their codes renumbered.

    Raises:
        DataError: two parts have an alphabet of the same name, or their pixels differ in shape.
    """
    names = [name for part in parts for name in part.alphabet_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"two sources have an alphabet called {', '.join(twice)}", "rename one of them")
    shapes = {part.pixels.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise DataError(
            f"examples of different shapes cannot be mixed: {sorted(shapes)}", "keep both in the same size"
        )
    first_alphabets = np.cumsum([0] + [len(part.alphabet_names) for part in parts[:-1]])
    first_classes = np.cumsum([0] + [len(part.class_names) for part in parts[:-1]])
    return Examples(
        pixels=np.concatenate([np.asarray(part.pixels) for part in parts]),
        alphabets=np.concatenate([p.alphabets + n for p, n in zip(parts, first_alphabets, strict=True)]),
        classes=np.concatenate([p.classes + n for p, n in zip(parts, first_classes, strict=True)]),
        drawers=np.concatenate([part.drawers for part in parts]),
        alphabet_names=tuple(names),
        class_names=tuple(name for part in parts for name in part.class_names),
        paths=tuple(path for part in parts for path in part.paths),
        sha256=tuple(digest for part in parts for digest in part.sha256),
    )
