"""Which image is trained on, which one chooses the model, and which one measures it."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.bonds import Bonds
from dlpractice.data.naming.split_names import SPLITS, SplitName
from dlpractice.errors import DataError

_NAMED = 3


@dataclass(frozen=True)
class Shares:
    """How images are divided that bring no splits of their own, and how many of them are used.

    Args:
        validation, test: shares in (0, 1) of the images.
        fraction: the share in (0, 1] of the training images that is trained on, see `pick_share`.
        seed: of all that is drawn for this.
    """

    validation: float = 0.15
    test: float = 0.15
    fraction: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Division:
    """The split of each of N images.

    `bonds` are those that bound them; `torn` holds the numbers of the clusters that did not, because one
    split would have got nearly all of a class.
    """

    splits: tuple[SplitName, ...]
    bonds: Bonds
    torn: frozenset[int]


def assign_splits(
    labels: Sequence[str],
    given: Sequence[SplitName | None],
    bonds: Bonds,
    keys: Sequence[str],
    shares: Shares,
) -> Division:
    """A split for each of N images: what is given is kept, and what is lacking is taken from it.

    Nothing given: validation and test are shares of all images. No test given: the given validation
    images are divided into halves, so that no image both chooses and measures. No validation given: it is a
    share of the training images; with neither, both are. All divisions are stratified by label, keep together
    what is bound, and depend on the seed and the keys alone, not on names or the order of files.

    Args:
        bonds: what stays together within what is divided. A cluster is torn where it would leave a split with
            less than half of what it should have of a class.
        keys: (N,) a text per image that depends on its content, such as its sha256.

    Raises:
        DataError: images are given for validation or test only, or a class is too small to be divided.
    """
    present = {split for split in given if split is not None}
    splits = list(given)
    torn: set[int] = set()
    for source, parts in _shares(present, shares.validation, shares.test).items():
        chosen = [position for position, split in enumerate(given) if split == source]
        assigned, loosened = split_stratified(
            [labels[position] for position in chosen],
            bonds.select(np.array(chosen, np.int64)),
            [keys[position] for position in chosen],
            parts,
            shares.seed,
        )
        torn |= loosened
        for position, split in zip(chosen, assigned, strict=True):
            splits[position] = split
    whole = tuple(split for split in splits if split is not None)
    return Division(whole, bonds.without(torn), frozenset(torn))


def split_stratified(
    labels: Sequence[str], bonds: Bonds, keys: Sequence[str], shares: dict[SplitName, float], seed: int
) -> tuple[list[SplitName], set[int]]:
    """Divides N images into `shares`, stratified by label, with all that is bound kept together.

    What is bound goes, the largest first and otherwise in an order drawn by `seed`, to the split that is then
    nearest to its targets. Where nothing is bound the targets are met exactly. Where a split gets less than
    half of what it should have of a class, that class's largest cluster is torn, and all is divided anew.

    Returns:
        the splits, and the numbers of the clusters that were torn.

    Raises:
        DataError: a class has too few separate groups for every split to get one.
    """
    names = tuple(shares)
    classes, coded = np.unique(np.asarray(labels), return_inverse=True)
    targets = _targets(np.bincount(coded, minlength=len(classes)), list(shares.values()))
    torn: set[int] = set()
    while True:
        left = bonds.without(torn)
        groups = left.joined()
        splits, counts = _deal(coded, targets, groups, keys, names, seed)
        lacking = (counts < np.maximum(1, targets / 2)).any(axis=0)
        large = [
            _find_largest(left.clusters[coded == code], int(targets[:, code].min()))
            for code in np.flatnonzero(lacking).tolist()
        ]
        if not any(number is not None for number in large):
            _check_each_has_some(coded, classes, groups, splits, names)
            return splits, torn
        torn |= {number for number in large if number is not None}


def _find_largest(clusters: NDArray[np.int64], room: int) -> int | None:
    """The number that occurs most among those of at least 0, if more often than `room` times."""
    numbers, counts = np.unique(clusters[clusters >= 0], return_counts=True)
    return int(numbers[counts.argmax()]) if len(numbers) and counts.max() > room else None


def _shares(
    present: set[SplitName], validation: float, test: float
) -> dict[SplitName | None, dict[SplitName, float]]:
    """What has to be divided, and into which shares."""
    rest = {"train": 1 - validation - test, "validation": validation, "test": test}
    if not present or present == {"train"}:
        if rest["train"] <= 0:
            raise DataError(
                f"validation {validation} and test {test} leave nothing to train on", "lower their shares"
            )
        return {next(iter(present), None): {split: rest[split] for split in SPLITS}}
    if "train" not in present:
        raise DataError(
            f"the data has images for {' and '.join(sorted(present))}, but none to train on",
            "add a folder train, or rows with train in the column split; or leave the splits out",
        )
    if present == {"train", "validation"}:
        return {"validation": {"validation": 0.5, "test": 0.5}}
    if present == {"train", "test"}:
        return {"train": {"train": 1 - validation, "validation": validation}}
    return {}


def _deal(
    coded: NDArray[np.int64],
    targets: NDArray[np.float64],
    groups: NDArray[np.int64],
    keys: Sequence[str],
    names: tuple[SplitName, ...],
    seed: int,
) -> tuple[list[SplitName], NDArray[np.float64]]:
    """The split of each image, and how many images of each class each split got, (splits, classes)."""
    counts = np.zeros_like(targets)
    members: dict[int, list[int]] = {}
    for position, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(position)
    ranks = {
        group: min(_rank(keys[position], seed) for position in inside) for group, inside in members.items()
    }
    splits: list[SplitName] = [names[0]] * len(coded)
    for group in sorted(members, key=lambda group: (-len(members[group]), ranks[group])):
        inside = members[group]
        kinds, added = np.unique(coded[inside], return_counts=True)
        # The growth of sum((count - target)^2 / target): negative where there is room, least where most is
        # lacking.
        lacking = targets[:, kinds] - counts[:, kinds]
        growth = (added * (added - 2 * lacking) / targets[:, kinds]).sum(axis=1)
        best = int(np.argmin(growth))
        counts[best, kinds] += added
        for position in inside:
            splits[position] = names[best]
    return splits, counts


def pick_share(labels: Sequence[str], keys: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Picks a share, in (0, 1], of the images of each label; `share_of` says how many that are.

    The choice depends on `seed` and the keys alone, see `assign_splits`. What is in a share is also in every
    larger one.

    Returns:
        (N,) bool, which images are in the share.
    """
    order = sorted(range(len(keys)), key=lambda position: _rank(keys[position], f"share {seed}"))
    left = {label: share_of(count, share) for label, count in Counter(labels).items()}
    picked = np.zeros(len(keys), np.bool_)
    for position in order:
        picked[position] = left[labels[position]] > 0
        left[labels[position]] -= 1
    return picked


def share_of(count: int, share: float) -> int:
    """How many of `count` images a share in (0, 1] is: rounded, but at least one. `count` is 1 or more."""
    return max(1, math.floor(count * share + 0.5))


def _targets(sizes: NDArray[np.int64], shares: list[float]) -> NDArray[np.float64]:
    """(splits, classes) numbers of images: each share rounded, at least 1; the first split has the rest."""
    later = [np.maximum(1, np.floor(sizes * share + 0.5)) for share in shares[1:]]
    first = np.maximum(1, sizes - np.sum(later, axis=0))
    return np.stack([first, *later]).astype(np.float64)


def _rank(key: str, seed: int | str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def _check_each_has_some(
    coded: NDArray[np.int64],
    classes: NDArray[np.str_],
    groups: NDArray[np.int64],
    splits: Sequence[SplitName],
    names: Sequence[SplitName],
) -> None:
    """Raises DataError where a class has images in some of the splits `names`, but not in all of them."""
    given = np.asarray(splits)
    lacking = []
    for code, name in enumerate(classes):
        members = coded == code
        if empty := [split for split in names if split not in given[members]]:
            count, separate = int(members.sum()), len(np.unique(groups[members]))
            bound = f" in {separate} {'group' if separate == 1 else 'groups'}" if separate < count else ""
            number = f"{count} image" if count == 1 else f"{count} images"
            lacking.append(f"{name}: {number}{bound}, none left for {' and '.join(empty)}")
    if lacking:
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        raise DataError(
            f"{len(lacking)} of {len(classes)} classes cannot be divided into {', '.join(names)}: they "
            "have too few images, or too few that are not copies or in one group: "
            f"{'; '.join(lacking[:_NAMED])}{more}",
            "add images to these classes, or give the splits yourself in folders or in a CSV",
            lacking if more else [],
        )
