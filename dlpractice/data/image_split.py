"""Which image is trained on, which one chooses the model, and which one measures it."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.bonds import Bonds
from dlpractice.data.naming.split_names import SPLITS, SplitName
from dlpractice.data.stratification import divide, list_lacking, rank_key, refuse_division
from dlpractice.errors import DataError


@dataclass(frozen=True)
class Fold:
    """Part `number`, from 1, of `count` equal parts of a data set: it tests, the next one (the first after
    the last) validates, and the others train."""

    number: int
    count: int

    def split_of(self, part: int) -> SplitName:
        """What part `part`, from 1, is for."""
        return (
            "test"
            if part == self.number
            else "validation"
            if part == self.number % self.count + 1
            else "train"
        )


@dataclass(frozen=True)
class Shares:
    """How images are divided that bring no splits of their own, and how many of them are used.

    Args:
        validation, test: shares in (0, 1) of the images.
        fraction: the share in (0, 1] of the training images that is trained on, see `pick_share`.
        seed: of all that is drawn for this.
        fold: divides all images, whatever splits they bring, in place of the shares.
    """

    validation: float = 0.15
    test: float = 0.15
    fraction: float = 1.0
    seed: int = 0
    fold: Fold | None = None


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
    share of the training images; with neither, both are. With a fold, what is given does not count, and
    all is divided into equal parts. All divisions are stratified by label, keep together
    what is bound, and depend on the seed and the keys alone, not on names or the order of files.

    Args:
        bonds: what stays together within what is divided. A cluster is torn where it would leave a split with
            less than half of what it should have of a class.
        keys: (N,) a text per image that depends on its content, such as its sha256.

    Raises:
        DataError: images are given for validation or test only, or a class is too small to be divided.
    """
    if shares.fold is not None:
        parts, torn = split_folds(labels, bonds, keys, shares.fold.count, shares.seed)
        return Division(tuple(map(shares.fold.split_of, parts)), bonds.without(torn), frozenset(torn))
    present = {split for split in given if split is not None}
    splits = list(given)
    torn = set()
    for source, wanted in _shares(present, shares.validation, shares.test).items():
        chosen = [position for position, split in enumerate(given) if split == source]
        assigned, loosened = split_stratified(
            [labels[position] for position in chosen],
            bonds.select(np.array(chosen, np.int64)),
            [keys[position] for position in chosen],
            wanted,
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
    parts, groups, torn = divide(coded, targets, bonds, keys, seed)
    if lacking := [
        f"{describe}, none left for {' and '.join(names[part] for part in empty)}"
        for describe, empty in list_lacking(coded, classes, groups, parts, len(names))
    ]:
        refuse_division(lacking, len(classes), ", ".join(names))
    return [names[part] for part in parts.tolist()], torn


def split_folds(
    labels: Sequence[str], bonds: Bonds, keys: Sequence[str], count: int, seed: int
) -> tuple[list[int], set[int]]:
    """Divides N images into `count` parts that are as equal as can be, over all and in every class, with all
    that is bound kept together as in `split_stratified`.

    Returns:
        the part of each image, from 1, and the numbers of the clusters that were torn.

    Raises:
        DataError: a class has fewer separate groups than there are parts.
    """
    classes, coded = np.unique(np.asarray(labels), return_inverse=True)
    sizes = np.bincount(coded, minlength=len(classes))
    parts, groups, torn = divide(coded, np.tile(sizes / count, (count, 1)), bonds, keys, seed, even=True)
    if lacking := [describe for describe, _ in list_lacking(coded, classes, groups, parts, count)]:
        most = min(len(np.unique(groups[coded == code])) for code in range(len(classes)))
        advice = f"take at most {most} folds, or " if 3 <= most < count else "train without folds, or "
        refuse_division(lacking, len(classes), f"{count} folds", advice)
    return (parts + 1).tolist(), torn


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


def pick_share(labels: Sequence[str], keys: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Picks a share, in (0, 1], of the images of each label; `share_of` says how many that are.

    The choice depends on `seed` and the keys alone, see `assign_splits`. What is in a share is also in every
    larger one.

    Returns:
        (N,) bool, which images are in the share.
    """
    order = sorted(range(len(keys)), key=lambda position: rank_key(keys[position], f"share {seed}"))
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
