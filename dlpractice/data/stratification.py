"""Images dealt into parts, with the classes in each part as in the whole and nothing parted that is bound."""

import hashlib
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.bonds import Bonds
from dlpractice.errors import DataError

_NAMED = 3


def divide(
    coded: NDArray[np.int64],
    targets: NDArray[np.float64],
    bonds: Bonds,
    keys: Sequence[str],
    seed: int,
    *,
    even: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64], set[int]]:
    """The part of each image, from 0, the group that it was dealt with, and the clusters that were torn.

    targets: (parts, classes) images. even: whether of parts that are equally far from their targets the one
    with fewer images is next; else the first one is.
    """
    torn: set[int] = set()
    while True:
        left = bonds.without(torn)
        groups = left.joined()
        parts, counts = _deal(coded, targets, groups, keys, seed, even=even)
        lacking = (counts < np.maximum(1, targets / 2)).any(axis=0)
        large = [
            _find_largest(left.clusters[coded == code], int(targets[:, code].min()))
            for code in np.flatnonzero(lacking).tolist()
        ]
        if not any(number is not None for number in large):
            return parts, groups, torn
        torn |= {number for number in large if number is not None}


def _deal(
    coded: NDArray[np.int64],
    targets: NDArray[np.float64],
    groups: NDArray[np.int64],
    keys: Sequence[str],
    seed: int,
    *,
    even: bool,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The part of each image, and how many images of each class each part got, (parts, classes)."""
    counts = np.zeros_like(targets)
    members: dict[int, list[int]] = {}
    for position, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(position)
    ranks = {
        group: min(rank_key(keys[position], seed) for position in inside) for group, inside in members.items()
    }
    parts = np.zeros(len(coded), np.int64)
    for group in sorted(members, key=lambda group: (-len(members[group]), ranks[group])):
        inside = members[group]
        kinds, added = np.unique(coded[inside], return_counts=True)
        # The growth of sum((count - target)^2 / target): negative where there is room, least where most is
        # lacking.
        lacking = targets[:, kinds] - counts[:, kinds]
        growth = (added * (added - 2 * lacking) / targets[:, kinds]).sum(axis=1)
        held = counts.sum(axis=1) if even else np.zeros(len(counts))
        best = int(np.lexsort((held, growth))[0])
        counts[best, kinds] += added
        parts[inside] = best
    return parts, counts


def _find_largest(clusters: NDArray[np.int64], room: int) -> int | None:
    """The number that occurs most among those of at least 0, if more often than `room` times."""
    numbers, counts = np.unique(clusters[clusters >= 0], return_counts=True)
    return int(numbers[counts.argmax()]) if len(numbers) and counts.max() > room else None


def rank_key(key: str, seed: int | str) -> str:
    """The place of an image in an order that `seed` draws, by a `key` that depends on its content."""
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def list_lacking(
    coded: NDArray[np.int64],
    classes: NDArray[np.str_],
    groups: NDArray[np.int64],
    parts: NDArray[np.int64],
    count: int,
) -> list[tuple[str, list[int]]]:
    """The classes that have no image in some of `count` parts: how many they have, in words, and in which."""
    lacking = []
    for code, name in enumerate(classes):
        members = coded == code
        if empty := sorted(set(range(count)) - set(parts[members].tolist())):
            images, separate = int(members.sum()), len(np.unique(groups[members]))
            bound = f" in {separate} {'group' if separate == 1 else 'groups'}" if separate < images else ""
            number = f"{images} image" if images == 1 else f"{images} images"
            lacking.append((f"{name}: {number}{bound}", empty))
    return lacking


def refuse_division(lacking: Sequence[str], classes: int, parts: str, advice: str = "") -> NoReturn:
    """Raises DataError: the classes that `lacking` describes cannot be divided into `parts`."""
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    raise DataError(
        f"{len(lacking)} of {classes} classes cannot be divided into {parts}: they "
        "have too few images, or too few that are not copies or in one group: "
        f"{'; '.join(lacking[:_NAMED])}{more}",
        f"{advice}add images to these classes"
        + ("" if advice else ", or give the splits yourself in folders or in a CSV"),
        list(lacking) if more else [],
    )
