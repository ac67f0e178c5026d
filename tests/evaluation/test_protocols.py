from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.data.sets.omniglot import OneshotRun
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import Scorer, Task, answer
from dlpractice.evaluation.protocols import (
    folder_tasks,
    lake_20,
    lake_extended,
    quarter_turns,
    verification_pairs,
    vinyals,
)

Indices = NDArray[np.int64]


def examples(rows: list[tuple[str, str, int]]) -> Examples:
    """Examples without a picture, from (alphabet, class, drawer)."""
    alphabets = sorted({alphabet for alphabet, _, _ in rows})
    classes = sorted({f"{alphabet}/{name}" for alphabet, name, _ in rows})
    return Examples(
        pixels=np.zeros((len(rows), 1, 1, 1), np.uint8),
        alphabets=np.array([alphabets.index(alphabet) for alphabet, _, _ in rows]),
        classes=np.array([classes.index(f"{alphabet}/{name}") for alphabet, name, _ in rows]),
        drawers=np.array([drawer for _, _, drawer in rows]),
        alphabet_names=tuple(alphabets),
        class_names=tuple(classes),
        paths=tuple(str(number) for number in range(len(rows))),
        sha256=tuple(str(number) for number in range(len(rows))),
    )


def omniglot(classes: tuple[int, ...] = (4, 5, 3), drawers: int = 4) -> Examples:
    """Alphabets A, B, C of 4, 5 and 3 classes, each class drawn once by each drawer, in shuffled order."""
    rows = [
        (alphabet, f"{number:02d}", drawer)
        for alphabet, count in zip("ABCDEFGH", classes, strict=False)
        for number in range(count)
        for drawer in range(drawers)
    ]
    return examples([rows[k] for k in np.random.default_rng(0).permutation(len(rows))])


def folder(classes: int = 4, each: int = 3, drawer: int = -1) -> Examples:
    """One alphabet of class folders by unknown drawers."""
    return examples([("all", f"{k:02d}", drawer) for k in range(classes) for _ in range(each)])


def perfect(data: Examples) -> Scorer:
    def scorer(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        turns = queries[:, None] // len(data) == supports[:, 0] // len(data)
        same = data.classes[queries % len(data)][:, None] == data.classes[supports[:, 0] % len(data)]
        return (turns & same).astype(float)

    return scorer


def by_drawer(data: Examples) -> Scorer:
    """Sees who drew, and nothing of what was drawn."""

    def scorer(queries: Indices, supports: Indices) -> NDArray[np.float64]:
        return (data.drawers[queries][:, None] == data.drawers[supports[:, 0]]) + 0.01 * np.cos(
            supports[:, 0]
        )

    return scorer


def constant(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return np.zeros((len(queries), len(supports)))


def first(queries: Indices, supports: Indices) -> NDArray[np.float64]:
    return np.tile(-np.arange(len(supports), dtype=float), (len(queries), 1))


def alphabets_of(task: Task, data: Examples) -> set[int]:
    return set(data.alphabets[[*task.supports.ravel(), *task.queries]].tolist())


def assert_sound(tasks: tuple[Task, ...], data: Examples) -> None:
    """What holds for every protocol: answers are true, and only what is drawn is worth anything."""
    assert answer(tasks, perfect(data), seed=0).errors == 0
    nothing = answer(tasks, constant, seed=0)
    assert nothing.errors == len(nothing.correct)
    ways = np.concatenate([[len(task.supports)] * len(task.queries) for task in tasks])
    by_position = answer(tasks, first, seed=0).correct
    assert by_position.mean() == pytest.approx((1 / ways).mean(), abs=3.5 * (4 * len(by_position)) ** -0.5)


def test_lake_20_is_the_runs() -> None:
    data = omniglot((20, 20))
    runs = []
    rng = np.random.default_rng(1)
    for code, name in enumerate("AB"):
        table = np.array([indices for k, indices in data.by_class().items() if k // 20 == code])
        order = rng.permutation(20)
        runs.append(OneshotRun(f"run{code}", name, table[:, 0], table[order, 1], order))
    tasks = lake_20(runs)
    assert_sound(tasks, data)
    assert [task.groups for task in tasks] == [("A",) * 20, ("B",) * 20]
    assert all(task.supports.shape == (20, 1) for task in tasks)


def test_lake_extended_asks_every_pair_of_drawers_in_every_alphabet() -> None:
    data = omniglot()
    tasks = lake_extended(data, seed=0, ways=4)
    assert_sound(tasks, data)
    seen = Counter()
    for task in tasks:
        (alphabet,) = alphabets_of(task, data)
        (support_drawer,) = set(data.drawers[task.supports.ravel()].tolist())
        (query_drawer,) = set(data.drawers[task.queries].tolist())
        assert support_drawer != query_drawer
        assert len(task.supports) == len(task.queries) == min(4, (4, 5, 3)[alphabet])
        assert set(task.groups) == {"ABC"[alphabet]}
        seen[alphabet, support_drawer, query_drawer] += 1
    assert len(seen) == 3 * 4 * 3 and set(seen.values()) == {1}
    # Of the five classes of B, all are used by some pair.
    of_b = [task for task in tasks if task.groups[0] == "B"]
    assert {int(c) for task in of_b for c in data.classes[task.queries]} == set(range(4, 9))


def test_lake_extended_where_not_everybody_drew_everything() -> None:
    data = examples(
        [
            ("A", "x", 0),
            ("A", "y", 0),
            ("A", "x", 1),
            ("A", "y", 1),
            ("A", "x", 2),
            ("A", "z", 2),
            ("A", "z", -1),
        ]
    )
    tasks = lake_extended(data, seed=0)
    assert_sound(tasks, data)
    assert len(tasks) == 2  # drawers 0 and 1; neither has two classes in common with 2
    assert {group for task in tasks for group in task.groups} == {"A/x", "A/y"}  # with one alphabet, by class


def test_lake_extended_needs_drawers() -> None:
    with pytest.raises(DataError, match="all has no two drawers"):
        lake_extended(folder(), seed=0)
    lonely = omniglot((3, 3)).select(np.flatnonzero(omniglot((3, 3)).drawers == 0))
    with pytest.raises(DataError, match="A has no two drawers"):
        lake_extended(lonely, seed=0)


@pytest.mark.parametrize(("ways", "shots"), [(5, 1), (12, 1), (3, 3)])
def test_vinyals_episodes(ways: int, shots: int) -> None:
    data = omniglot()
    tasks = vinyals(data, np.arange(12), ways=ways, shots=shots, seed=0, episodes=60, queries=1)
    assert_sound(tasks, data)
    assert len(tasks) == 60
    assert {task.supports.shape for task in tasks} == {(ways, shots)}
    for task in tasks:
        assert len(set(data.classes[task.supports[:, 0]].tolist())) == ways
        assert (data.classes[task.supports] == data.classes[task.supports[:, :1]]).all()
        assert task.groups == tuple("ABC"[k] for k in data.alphabets[task.queries])
    assert any(len(alphabets_of(task, data)) > 1 for task in tasks)


def test_vinyals_has_only_the_classes_it_is_given() -> None:
    data = omniglot()
    tasks = vinyals(data, [1, 5, 9], ways=3, shots=1, seed=0, episodes=20, queries=3)
    used = np.concatenate([[*task.supports.ravel(), *task.queries] for task in tasks])
    assert set(data.classes[used].tolist()) == {1, 5, 9}
    assert set(used.tolist()) == set(np.flatnonzero(np.isin(data.classes, [1, 5, 9])).tolist())
    assert tasks[0].answers.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_vinyals_with_turns_counts_each_turn_as_a_class() -> None:
    data = omniglot()
    tasks = vinyals(data, np.arange(12), ways=20, shots=1, seed=0, episodes=50, queries=2, rotations=True)
    assert_sound(tasks, data)
    used = np.concatenate([task.queries for task in tasks])
    assert set((used // len(data)).tolist()) == {0, 1, 2, 3}
    for task in tasks:
        named = {(int(data.classes[i % len(data)]), int(i // len(data))) for i in task.supports[:, 0]}
        assert len(named) == 20
        # A drawing that is shown in one turn is not asked in another.
        assert not set((task.supports % len(data)).ravel().tolist()) & set(
            (task.queries % len(data)).tolist()
        )
        assert task.groups == tuple("ABC"[k] for k in data.alphabets[task.queries % len(data)])
    plain = vinyals(data, np.arange(12), ways=12, shots=1, seed=0, episodes=50, queries=2)
    assert max(int(task.queries.max()) for task in plain) < len(data)


def test_quarter_turns_are_in_the_order_of_the_indices() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 1), np.uint8)
    turned = quarter_turns(pixels)
    assert turned.shape == (12, 5, 5, 1) and turned.dtype == np.uint8
    for turn in range(4):
        for k in range(3):
            assert (turned[k + turn * 3, :, :, 0] == np.rot90(pixels[k, :, :, 0], turn)).all()


def test_vinyals_needs_enough_classes_and_examples() -> None:
    with pytest.raises(DataError, match="13-way tasks need 13 classes; there are 12"):
        vinyals(omniglot(), np.arange(12), ways=13, shots=1, seed=0, queries=1)
    with pytest.raises(DataError, match="A/00 has 4 examples; 16 are needed"):
        vinyals(omniglot(), np.arange(12), ways=5, shots=1, seed=0, queries=15)
    with pytest.raises(DataError, match="A/01 has 0 examples"):
        data = omniglot()
        vinyals(
            data.select(np.flatnonzero(data.classes != 1)), np.arange(12), ways=5, shots=1, seed=0, queries=3
        )


@pytest.mark.parametrize("queries", [1, 2])
def test_folder_tasks_of_drawers_who_drew_everything_once_are_as_in_the_published_runs(queries: int) -> None:
    data = omniglot()
    tasks = folder_tasks(data, ways=4, shots=1, episodes=80, seed=0, queries=queries)
    assert_sound(tasks, data)
    for task in tasks:
        (alphabet,) = alphabets_of(task, data)
        assert len(task.supports) == min(4, (4, 5, 3)[alphabet])
        (support_drawer,) = set(data.drawers[task.supports.ravel()].tolist())
        query_drawers = set(data.drawers[task.queries].tolist())
        assert len(query_drawers) == queries and support_drawer not in query_drawers
        assert len(task.queries) == queries * len(task.supports)
        assert set(task.groups) == {"ABC"[alphabet]}
    assert {task.groups[0] for task in tasks} == set("ABC")


def test_folder_tasks_give_nothing_to_who_sees_only_the_drawer() -> None:
    rng = np.random.default_rng(0)
    data = examples([("A", str(k % 5), int(rng.integers(6))) for k in range(100)])
    tasks = folder_tasks(data, ways=5, shots=1, episodes=400, seed=0)
    for task in tasks:
        assert not set(data.drawers[task.supports.ravel()].tolist()) & set(
            data.drawers[task.queries].tolist()
        )
    assert answer(tasks, by_drawer(data), seed=0).correct.mean() < 0.27


def test_folder_tasks_of_several_shots() -> None:
    data = omniglot()
    tasks = folder_tasks(data, ways=3, shots=3, episodes=30, seed=0)
    assert_sound(tasks, data)
    assert {task.supports.shape for task in tasks} == {(3, 3)}


def test_folder_tasks_without_drawers_are_clustered_by_class() -> None:
    data = folder(classes=6, each=3)
    tasks = folder_tasks(data, ways=10, shots=2, episodes=50, seed=0)
    assert_sound(tasks, data)
    assert {task.supports.shape for task in tasks} == {(6, 2)}
    assert all(
        task.groups == tuple(data.class_names[k] for k in data.classes[task.queries]) for task in tasks
    )
    assert len({tuple(task.queries.tolist()) for task in tasks}) > 40


def test_a_class_with_no_example_to_spare_is_shown_and_not_asked() -> None:
    data = examples([("all", "one", -1), ("all", "two", -1), ("all", "two", -1)])
    tasks = folder_tasks(data, ways=2, shots=1, episodes=20, seed=0)
    assert len(tasks) == 20
    for task in tasks:
        assert set(data.classes[task.supports.ravel()].tolist()) == {0, 1}
        assert data.classes[task.queries].tolist() == [1]


def test_an_alphabet_of_one_class_gives_no_task() -> None:
    data = examples([*[("A", "only", -1)] * 3, *[("B", "x", -1)] * 3, *[("B", "y", -1)] * 3])
    # What is asked about is of one alphabet, so that its classes are the groups.
    tasks = folder_tasks(data, ways=2, shots=1, episodes=20, seed=0)
    assert {tuple(sorted(task.groups)) for task in tasks} == {("B/x", "B/y")}


def test_folder_tasks_that_cannot_be() -> None:
    with pytest.raises(DataError, match="no alphabet has two classes with 4 examples"):
        folder_tasks(folder(each=3), ways=2, shots=4, episodes=5, seed=0)
    with pytest.raises(DataError, match="no example by another drawer"):
        folder_tasks(folder(each=3, drawer=7), ways=2, shots=1, episodes=5, seed=0)
    with pytest.raises(DataError, match="no example by another drawer"):
        folder_tasks(folder(each=3), ways=2, shots=3, episodes=5, seed=0)


@pytest.mark.parametrize("data", [omniglot(), folder()], ids=["drawers", "no-drawers"])
def test_verification_pairs(data: Examples) -> None:
    pairs = verification_pairs(data, 400, seed=0)
    assert pairs.indices.shape == (400, 2) and pairs.same.sum() == 200
    one, other = pairs.indices.T
    assert (one != other).all()
    assert ((data.classes[one] == data.classes[other]) == pairs.same).all()
    assert (data.alphabets[one] == data.alphabets[other]).all()
    known = data.drawers[one] >= 0
    assert (data.drawers[one] != data.drawers[other])[known].all()
    names = np.array(data.alphabet_names if known.all() else data.class_names)
    codes = data.alphabets if known.all() else data.classes
    assert ((names[codes[one]] == pairs.groups) | (names[codes[other]] == pairs.groups)).all()
    # Neither the order of the pairs nor their sides tell the kind.
    assert abs(np.corrcoef(np.arange(400), pairs.same)[0, 1]) < 0.2
    assert abs(np.corrcoef(one, pairs.same)[0, 1]) < 0.2


def test_every_example_with_partners_comes_first_once_before_any_comes_twice() -> None:
    data = omniglot()
    pairs = verification_pairs(data, 2 * len(data), seed=0)
    counts = np.bincount(pairs.indices[pairs.same].ravel(), minlength=len(data))
    assert counts.min() >= 1


def test_verification_pairs_that_cannot_be() -> None:
    with pytest.raises(DataError, match="by another drawer"):
        verification_pairs(folder(drawer=3), 10, seed=0)
    with pytest.raises(DataError, match="by another drawer"):
        verification_pairs(folder(classes=1), 10, seed=0)
    with pytest.raises(DataError, match="by another drawer"):
        verification_pairs(folder(each=1), 10, seed=0)
    with pytest.raises(ValueError, match="an even number"):
        verification_pairs(folder(), 9, seed=0)


def test_the_same_seed_gives_the_same_tasks() -> None:
    data = omniglot()

    def built(seed: int) -> list[list[int]]:
        tasks = [
            *lake_extended(data, seed, ways=2),
            *vinyals(data, np.arange(12), ways=3, shots=1, seed=seed, episodes=5, queries=1),
            *folder_tasks(data, ways=3, shots=1, episodes=5, seed=seed),
        ]
        pairs = verification_pairs(data, 20, seed)
        return [[*task.supports.ravel(), *task.queries] for task in tasks] + pairs.indices.tolist()

    assert built(0) == built(0) != built(1)
