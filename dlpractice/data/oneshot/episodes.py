"""Batches in which every pair of drawings is an example for training.

A batch has few alphabets, so that different characters look alike, many characters of each, and several
drawings of each character by different drawers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import Examples

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Episode:
    """One batch of B drawings.

    Args:
        indices: (B,) int64. Which examples they are.
        turns: (B,) int64 in 0..7. How each of them lies, see `distortion.see_plain`.
        labels: (B,) int64. Two drawings have the same label if they are of one class and lie the same way.
    """

    indices: Integers
    turns: Integers
    labels: Integers


class EpisodeSampler:
    """Draws batches of `alphabets` x `classes` x `drawings` drawings.

    An alphabet is the likelier, the more classes it has; one with fewer than `classes` gives all it has. The
    drawings of a class are by different drawers as long as there are any. If a class has fewer drawings than
    asked for, some are taken more than once: they are distorted differently.

    Args:
        turns: the ways in which an alphabet may lie, in 0..7, see `distortion.see_plain`. An alphabet that
            lies another way counts as another alphabet.
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
        """Draws one batch from the generator."""
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
        """Takes one drawing of each drawer in turn, and begins again, until there are enough."""
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
    """The indices of a class, an array for each drawer; a drawing by nobody known has one of its own."""
    known = drawers[members]
    parts = [members[known == drawer] for drawer in np.unique(known[known >= 0])]
    return parts + [members[place : place + 1] for place in np.flatnonzero(known < 0)]
