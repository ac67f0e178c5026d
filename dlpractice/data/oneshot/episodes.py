"""Training batches in which every pair of drawings is an example: few alphabets, so that what differs looks
alike, many characters, and drawings of each by different drawers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import Examples

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Episode:
    """One batch of B drawings: `indices` (B,) of examples, their `turns` (B,) in 0..7 and `labels` (B,), the
    same for drawings of one class that lie the same way."""

    indices: Integers
    turns: Integers
    labels: Integers


class EpisodeSampler:
    """Draws batches of `alphabets` x `classes` x `drawings`.

    turns: the ways in which an alphabet of a batch may lie, in 0..7, as `distortion.see_plain` counts them;
    one that lies another way counts as another alphabet. Alphabets are drawn by their number of classes; one
    that has fewer than `classes` gives what it has. Drawings of a class are by different drawers, as long as
    there are any. A class with fewer drawings than asked for gives some of them more than once: their
    distortions tell them apart.
    """

    def __init__(
        self, examples: Examples, *, alphabets: int, classes: int, drawings: int, turns: Sequence[int]
    ) -> None:
        by_class = examples.by_class()
        alphabet_of = {code: int(examples.alphabets[members[0]]) for code, members in by_class.items()}
        self._alphabets: list[list[list[Integers]]] = [
            [
                _by_drawer(members, examples.drawers)
                for code, members in by_class.items()
                if alphabet_of[code] == alphabet
            ]
            for alphabet in sorted(set(alphabet_of.values()))
        ]
        sizes = np.array([len(members) for members in self._alphabets], np.float64)
        self._shares = sizes / sizes.sum()
        self._count, self._classes, self._drawings = min(alphabets, len(sizes)), classes, drawings
        self._turns = tuple(turns)

    def draw(self, rng: np.random.Generator) -> Episode:
        """A batch, as the generator has it."""
        indices: list[int] = []
        turns: list[int] = []
        sizes: list[int] = []
        for alphabet in rng.choice(len(self._shares), self._count, replace=False, p=self._shares):
            turn = self._turns[rng.integers(len(self._turns))]
            members = self._alphabets[alphabet]
            for number in rng.choice(len(members), min(self._classes, len(members)), replace=False):
                drawn = self._draw_drawings(rng, members[number])
                indices += drawn
                turns += [turn] * len(drawn)
                sizes.append(len(drawn))
        labels = np.repeat(np.arange(len(sizes)), sizes)
        return Episode(np.array(indices, np.int64), np.array(turns, np.int64), labels)

    def _draw_drawings(self, rng: np.random.Generator, drawers: list[Integers]) -> list[int]:
        """Round after round, one drawing by each drawer who has one left, until there are enough."""
        drawn: list[int] = []
        left: list[Integers] = []
        while len(drawn) < self._drawings:
            left = [rest for rest in left if len(rest)] or list(drawers)
            for drawer in rng.permutation(len(left))[: self._drawings - len(drawn)]:
                taken = int(rng.choice(left[drawer]))
                drawn.append(taken)
                left[drawer] = left[drawer][left[drawer] != taken]
        return drawn


def _by_drawer(members: Integers, drawers: Integers) -> list[Integers]:
    """A class's indices, divided by drawer; an unknown drawer stands for a new one."""
    known = drawers[members]
    parts = [members[known == drawer] for drawer in np.unique(known[known >= 0])]
    return parts + [members[place : place + 1] for place in np.flatnonzero(known < 0)]
