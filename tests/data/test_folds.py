"""All images divided into equal parts, each of which tests once."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.bonds import Bonds
from dlpractice.data.files.index import read_index
from dlpractice.data.image_split import Fold, Shares, assign_splits, split_folds
from dlpractice.data.naming.split_names import SplitName
from dlpractice.errors import DataError


def bind(groups: NDArray[np.int64], clusters: NDArray[np.int64] | None = None) -> Bonds:
    return Bonds(groups, np.full(len(groups), -1) if clusters is None else clusters)


def keys(count: int) -> list[str]:
    return [f"sha-{number}" for number in range(count)]


def test_parts_are_equal_in_every_class_and_over_all() -> None:
    labels = [name for place, name in enumerate("abcdefg") for _ in range(7 + place)]
    parts, torn = split_folds(labels, bind(np.arange(len(labels))), keys(len(labels)), 5, seed=0)
    assert not torn
    for name in set(labels):
        sizes = Counter(part for part, label in zip(parts, labels, strict=True) if label == name)
        assert set(sizes) == {1, 2, 3, 4, 5}
        assert max(sizes.values()) - min(sizes.values()) <= 1
    whole = Counter(parts).values()
    assert max(whole) - min(whole) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_what_is_bound_is_never_parted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, 60, 300))
    labels = [("a", "b")[n % 2] for n in groups]
    parts, _ = split_folds(labels, bind(groups), keys(300), 4, seed)
    for group in np.unique(groups):
        assert len({parts[n] for n in np.flatnonzero(groups == group)}) == 1
    assert all(abs(count - 75) <= 8 for count in Counter(parts).values())
    order = rng.permutation(300)
    again, _ = split_folds(
        [labels[n] for n in order], bind(groups[order]), [keys(300)[n] for n in order], 4, seed
    )
    assert again == [parts[n] for n in order]


def test_each_image_tests_once_and_validates_once_whatever_splits_are_given() -> None:
    labels = ["a", "b"] * 10
    given: list[SplitName | None] = ["train", "test"] * 10
    tested, validated = [], []
    for number in range(1, 6):
        shares = Shares(fold=Fold(number, 5))
        splits = assign_splits(labels, given, bind(np.arange(20)), keys(20), shares).splits
        assert Counter(splits) == {"train": 12, "validation": 4, "test": 4}
        tested.append([n for n, split in enumerate(splits) if split == "test"])
        validated.append([n for n, split in enumerate(splits) if split == "validation"])
    assert sorted(n for fold in tested for n in fold) == list(range(20))
    assert validated == [*tested[1:], tested[0]]


def test_more_folds_than_a_class_has_groups() -> None:
    labels, groups = ["a"] * 20 + ["b"] * 8, np.array([*range(20), *(20, 20, 21, 21, 22, 22, 23, 23)])
    with pytest.raises(DataError) as refused:
        split_folds(labels, bind(groups), keys(28), 5, seed=0)
    assert "1 of 2 classes cannot be divided into 5 folds" in refused.value.message
    assert "b: 8 images in 4 groups" in refused.value.message
    assert "take at most 4 folds" in refused.value.hint
    with pytest.raises(DataError, match="b: 2 images") as refused:
        split_folds(["a"] * 9 + ["b"] * 2, bind(np.arange(11)), keys(11), 3, seed=0)
    assert "take at most" not in refused.value.hint


def test_a_scene_that_is_most_of_a_class_is_torn() -> None:
    clusters = np.array([0] * 18 + [-1] * 12)
    labels = ["a"] * 20 + ["b"] * 10
    parts, torn = split_folds(labels, bind(np.arange(30), clusters), keys(30), 5, seed=0)
    assert torn == {0}
    assert Counter(parts[:20]) == dict.fromkeys(range(1, 6), 4)


def test_splits_that_folders_give_are_set_aside_and_it_is_said(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        for label in "ab":
            (tmp_path / split / label).mkdir(parents=True)
            (tmp_path / split / label / "1.png").touch()
    kept, divided = (read_index(tmp_path, keep_splits=keep) for keep in (True, False))
    assert {item.split for item in kept.items} == {"train", "validation"}
    assert {item.split for item in divided.items} == {None}
    assert len(divided.items) == len(kept.items) == 4
    told = next(finding for finding in divided.findings if finding.kind == "splits set aside")
    assert "train, validation" in told.message
