from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.bonds import Bonds
from dlpractice.data.image_split import Division, Shares, assign_splits, pick_share, split_stratified
from dlpractice.data.naming.split_names import SplitName
from dlpractice.errors import DataError

SHARES: dict[SplitName, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}


def keys(count: int) -> list[str]:
    return [f"sha-{number}" for number in range(count)]


def bind(groups: NDArray[np.int64], clusters: NDArray[np.int64] | None = None) -> Bonds:
    return Bonds(groups, np.full(len(groups), -1) if clusters is None else clusters)


def split(labels: list[str], groups: NDArray[np.int64], names: list[str], seed: int) -> list[SplitName]:
    return split_stratified(labels, bind(groups), names, SHARES, seed)[0]


def assign(labels: list[str], given: list[SplitName | None], seed: int = 0) -> list[SplitName]:
    count = len(labels)
    return list(assign_splits(labels, given, bind(np.arange(count)), keys(count), Shares(seed=seed)).splits)


def table(labels: list[str], splits: list[SplitName]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for (label, split), number in Counter(zip(labels, splits, strict=True)).items():
        counted[label][split] = number
    return dict(counted)


def test_without_groups_the_shares_are_exact_in_every_class() -> None:
    labels = ["a"] * 200 + ["b"] * 40 + ["c"] * 3
    assert table(labels, split(labels, np.arange(243), keys(243), 0)) == {
        "a": {"train": 140, "validation": 30, "test": 30},
        "b": {"train": 28, "validation": 6, "test": 6},
        "c": {"train": 1, "validation": 1, "test": 1},
    }


def test_a_split_depends_on_content_and_seed_and_not_on_the_order() -> None:
    labels = ["a", "b"] * 50
    first = dict(zip(keys(100), split(labels, np.arange(100), keys(100), 7), strict=True))
    order = np.random.default_rng(1).permutation(100)
    shuffled = [keys(100)[n] for n in order]
    second = split([labels[n] for n in order], np.arange(100), shuffled, 7)
    assert dict(zip(shuffled, second, strict=True)) == first
    assert split(labels, np.arange(100), keys(100), 8) != list(first.values())


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_and_the_shares_nearly_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, 80, 400))
    labels = [("a", "b", "c")[n] for n in rng.integers(0, 3, 400)]
    splits = split(labels, groups, keys(400), seed)
    for group in np.unique(groups):
        assert len({splits[n] for n in np.flatnonzero(groups == group)}) == 1
    for label, counts in table(labels, splits).items():
        total = labels.count(label)
        assert abs(counts["validation"] - 0.15 * total) <= 6
        assert abs(counts["test"] - 0.15 * total) <= 6


def test_a_pair_of_copies_costs_no_exactness() -> None:
    labels = ["a"] * 100
    groups = np.arange(100)
    groups[1] = groups[0]
    assert table(labels, split(labels, groups, keys(100), 0)) == {
        "a": {"train": 70, "validation": 15, "test": 15}
    }


def test_a_large_group_leaves_the_rest_to_the_other_splits() -> None:
    groups = np.array([0] * 96 + [1, 2, 3, 4])
    splits = split(["a"] * 100, groups, keys(100), 0)
    assert Counter(splits) == {"train": 96, "validation": 2, "test": 2}


def test_a_class_that_cannot_be_divided_is_named() -> None:
    with pytest.raises(DataError, match=r"^1 of 2 classes .* few: 2 images, none left for \w+$"):
        split(["few"] * 2 + ["b"] * 9, np.arange(11), keys(11), 0)
    with pytest.raises(DataError, match="copies or in one group: a: 9 images in 1 group, none left for"):
        split(["a"] * 9 + ["b"] * 9, np.array([0] * 9 + list(range(1, 10))), keys(18), 0)


@pytest.mark.parametrize("count", [10, 12, 17, 22, 23, 30])
def test_a_share_is_rounded_to_the_nearest_image(count: int) -> None:
    splits = split(["a"] * count, np.arange(count), keys(count), 0)
    nearest = int(Decimal("0.15") * count + Decimal("0.5"))
    assert (splits.count("validation"), splits.count("test")) == (nearest, nearest)


def test_given_splits_are_kept_when_all_are_there() -> None:
    given: list[SplitName | None] = ["test", "train", "validation", "train"]
    assert assign(["a", "a", "b", "b"], given) == given


def test_validation_without_test_is_halved_in_each_class() -> None:
    labels = ["a"] * 60 + ["b"] * 60
    given: list[SplitName | None] = (["train"] * 40 + ["validation"] * 20) * 2
    splits = assign(labels, given)
    assert table(labels, splits) == {
        "a": {"train": 40, "validation": 10, "test": 10},
        "b": {"train": 40, "validation": 10, "test": 10},
    }
    assert all((split == "train") == (before == "train") for split, before in zip(splits, given, strict=True))


def test_test_without_validation_keeps_the_test_whole() -> None:
    labels = ["a"] * 50 + ["b"] * 50
    given: list[SplitName | None] = (["train"] * 40 + ["test"] * 10) * 2
    splits = assign(labels, given)
    assert table(labels, splits)["a"] == {"train": 34, "validation": 6, "test": 10}
    assert [s == "test" for s in splits] == [s == "test" for s in given]


@pytest.mark.parametrize("given", [None, "train"])
def test_nothing_given_or_train_alone_is_divided_in_three(given: SplitName | None) -> None:
    labels = ["a"] * 20 + ["b"] * 20
    assert table(labels, assign(labels, [given] * 40))["b"] == {"train": 14, "validation": 3, "test": 3}


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(DataError, match="none to train on"):
        assign(["a", "b"], ["validation", "test"])
    with pytest.raises(DataError, match="nothing to train on"):
        assign_splits(["a", "b"], [None] * 2, bind(np.arange(2)), keys(2), Shares(0.5, 0.5))


def test_shares_are_nested_and_of_each_class_alike() -> None:
    labels = ["a"] * 40 + ["b"] * 9 + ["c"]
    names = keys(50)
    picked = {share: pick_share(labels, names, share, 3) for share in (0.05, 0.25, 0.5, 1.0)}
    counts = {share: Counter(np.array(labels)[chosen].tolist()) for share, chosen in picked.items()}
    assert counts == {
        0.05: {"a": 2, "b": 1, "c": 1},
        0.25: {"a": 10, "b": 2, "c": 1},
        0.5: {"a": 20, "b": 5, "c": 1},
        1.0: {"a": 40, "b": 9, "c": 1},
    }
    for smaller, larger in pairwise(picked.values()):
        assert not (smaller & ~larger).any()


def test_a_share_depends_on_seed_and_keys_alone() -> None:
    labels, names = ["a"] * 30, keys(30)
    chosen = pick_share(labels, names, 0.5, 0)
    backwards = pick_share(labels, names[::-1], 0.5, 0)
    np.testing.assert_array_equal(backwards[::-1], chosen)
    assert (pick_share(labels, names, 0.5, 1) != chosen).any()


def loosely(labels: list[str], clusters: list[int], groups: list[int] | None = None) -> Division:
    count = len(labels)
    firm = np.arange(count) if groups is None else np.array(groups)
    return assign_splits(labels, [None] * count, bind(firm, np.array(clusters)), keys(count), Shares())


def test_clusters_stay_together_where_that_can_be_afforded() -> None:
    labels = ["a"] * 100 + ["b"] * 100
    clusters = [n // 20 if n % 2 else -1 for n in range(200)]
    division = loosely(labels, clusters)
    assert division.torn == frozenset()
    for number in range(10):
        assert len({division.splits[n] for n in range(200) if clusters[n] == number}) == 1
    assert division.bonds.joined().tolist() == [
        n if number < 0 else clusters.index(number) for n, number in enumerate(clusters)
    ]


@pytest.mark.parametrize(
    ("sizes", "torn"),
    [
        ([100], 1),  # one scene
        ([96, 4], 1),  # and hardly anything else
        ([50, 50], 1),  # two cameras
        ([40, 40, 20], 1),
        ([20] * 5, 0),  # five, of which one tests and one validates
        ([70, 15, 15], 0),
    ],
)
def test_what_would_leave_a_split_too_little_is_torn(sizes: list[int], torn: int) -> None:
    labels = ["a"] * 100 + ["b"] * 60
    clusters = [*np.repeat(np.arange(len(sizes)), sizes).tolist(), *[-1] * 60]
    division = loosely(labels, clusters)
    assert len(division.torn) == torn
    for counts in table(labels, list(division.splits)).values():
        total = sum(counts.values())
        assert min(counts["validation"], counts["test"]) >= 0.15 * total / 2
    kept = division.bonds.clusters
    for number in set(kept.tolist()) - {-1}:
        assert len({division.splits[n] for n in np.flatnonzero(kept == number)}) == 1


def test_a_class_of_three_of_which_two_look_alike_is_divided() -> None:
    assert loosely(["a"] * 3, [0, 0, -1]).torn == {0}
    assert loosely(["a"] * 4, [0, 0, -1, -1]).torn == frozenset()


def test_groups_are_never_torn_and_no_cluster_for_their_sake() -> None:
    labels = ["a"] * 100
    clusters = [*[-1] * 90, *[0, 0], *[-1] * 8]
    division = loosely(labels, clusters, [0] * 90 + list(range(90, 100)))
    assert division.torn == frozenset()
    with pytest.raises(DataError, match="none left for"):
        loosely(labels, [0] * 100, [0] * 100)
