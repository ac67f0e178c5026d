"""The published and the extended one-shot protocols: which tasks stand behind a number.

A one-shot accuracy means nothing without its protocol: 20 classes of one alphabet are far harder to tell
apart than 20 of many. Each builder's name is the name to report with its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.examples import UNKNOWN_DRAWER, Examples
from dlpractice.data.sets.omniglot import OneshotRun
from dlpractice.errors import DataError
from dlpractice.evaluation.oneshot_tasks import Task
from dlpractice.statistics.clusters import choose_groups

_REDRAWS = 100


@dataclass(frozen=True)
class Pairs:
    """Questions of verification: are two examples of the same class?

    `indices`: (P, 2) int64 of examples; `same`: (P,) bool; `groups`: (P,) for the interval.
    """

    indices: NDArray[np.int64]
    same: NDArray[np.bool_]
    groups: tuple[str, ...]


def lake_20(runs: Sequence[OneshotRun]) -> tuple[Task, ...]:
    """The published runs: 20-way, one shot, within one alphabet, supports by one drawer, queries by another.

    Lake, Salakhutdinov and Tenenbaum, "Human-level concept learning through probabilistic program induction",
    Science 350 (2015). 20 runs of 20 queries; errors are reported out of 400.
    """
    return tuple(
        Task((run.alphabet,) * len(run.queries), run.supports[:, np.newaxis], run.queries, run.answers)
        for run in runs
    )


def lake_extended(examples: Examples, seed: int, *, ways: int = 20) -> tuple[Task, ...]:
    """The published runs' rules for every alphabet and all ordered pairs of its drawers.

    One drawer's example of each of `ways` classes (all that both have drawn, if fewer) is the support set,
    the other's the queries; the classes are drawn anew for each pair. Of several examples of a class by one
    drawer, one is used. On Omniglot's evaluation set: 20 alphabets x 380 pairs x 20 queries.

    Raises:
        DataError: an alphabet without two known drawers who have two classes in common.
    """
    rng = np.random.default_rng(seed)
    groups = group_names(examples)
    tasks: list[Task] = []
    for code in np.unique(examples.alphabets).tolist():
        drawn = _by_class_and_drawer(examples, code, rng)
        found = []
        for first, second in permutations(drawn.T, 2):
            common = np.flatnonzero((first >= 0) & (second >= 0))
            chosen = rng.permutation(common)[:ways]
            if len(chosen) > 1:
                queries, answers = second[chosen], np.arange(len(chosen))
                names = tuple(groups[queries].tolist())
                found.append(Task(names, first[chosen, np.newaxis], queries, answers))
        if not found:
            raise DataError(
                f"{examples.alphabet_names[code]} has no two drawers who both drew the same two classes",
                "say who drew what (drawer_pattern), or leave this protocol out",
            )
        tasks += found
    return tuple(tasks)


def vinyals(
    examples: Examples,
    classes: Sequence[int] | NDArray[np.int64],
    *,
    ways: int,
    shots: int,
    seed: int,
    episodes: int = 1000,
    queries: int = 5,
    rotations: bool = False,
) -> tuple[Task, ...]:
    """Random classes of all alphabets, random drawings of each: easier than within an alphabet.

    Vinyals et al., "Matching networks for one shot learning" (2016); episodes as in Snell et al.,
    "Prototypical networks for few-shot learning" (2017): 1,000 of them, with 5 queries per class. Their
    drawers are mixed, and people have drawn on both sides. An interval over episodes would only say how the
    same few drawings were drawn; each query's group is its alphabet.

    Args:
        classes: the codes of the classes to test.
        rotations: count each quarter turn of a class as a class, as the published numbers do. The index of
            example i turned k times is then i + k * len(examples): a row of `quarter_turns(pixels)`. A class
            and its turn in one episode use the same drawings on the same side.

    Raises:
        DataError: fewer classes than `ways`, or a class with fewer examples than `shots` + `queries`.
    """
    rng = np.random.default_rng(seed)
    codes, turns = np.asarray(classes), 4 if rotations else 1
    members = _members(examples, codes, shots + queries)
    if len(codes) * turns < ways:
        raise DataError(
            f"{ways}-way tasks need {ways} classes; there are {len(codes) * turns}", "ask for fewer"
        )
    groups = group_names(examples)
    tasks = []
    for _ in range(episodes):
        chosen = rng.choice(len(codes) * turns, ways, replace=False)
        drawn = {position: rng.permutation(members[position]) for position in np.unique(chosen % len(codes))}
        base = np.stack([drawn[position][: shots + queries] for position in chosen % len(codes)])
        shown = base + (chosen // len(codes) * len(examples))[:, np.newaxis]
        tasks.append(
            Task(
                tuple(groups[base[:, shots:].ravel()].tolist()),
                shown[:, :shots],
                shown[:, shots:].ravel(),
                np.repeat(np.arange(ways), queries),
            )
        )
    return tuple(tasks)


def quarter_turns(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, H, C) to (4N, H, H, C): the images, and then all of them turned by 90, 180 and 270 degrees."""
    return np.concatenate([np.rot90(pixels, turn, axes=(1, 2)) for turn in range(4)])


def folder_tasks(
    examples: Examples, *, ways: int, shots: int, episodes: int, seed: int, queries: int = 1
) -> tuple[Task, ...]:
    """Random tasks from any examples: within one alphabet where there are several, by different drawers.

    Each task puts the alphabet's drawers in a random order. Supports are by the first who drew their class,
    queries by the last, and by nobody who drew a support: where everybody drew every class once, a one-shot
    task has one drawer on either side, as in the published runs. Examples by unknown drawers count as being
    each by another. An alphabet with fewer classes than `ways` gives tasks of all of them; one with a single
    class of at least `shots` examples gives none. A class without an example to spare is shown, not asked.

    Raises:
        DataError: no alphabet has two classes of `shots` examples, or no query can be by another drawer.
    """
    rng = np.random.default_rng(seed)
    keys, pools = _drawer_keys(examples), _pools(examples, shots)
    asked_about = np.concatenate([indices for pool in pools for indices in pool])
    groups = dict(zip(asked_about.tolist(), group_names(examples, asked_about).tolist(), strict=True))
    tasks: list[Task] = []
    while len(tasks) < episodes:
        for _ in range(_REDRAWS):
            pool = pools[rng.integers(len(pools))]
            chosen = [pool[k] for k in rng.permutation(len(pool))[:ways]]
            supports, asked = _by_different_drawers(chosen, keys, shots, queries, rng)
            if any(asked):
                break
        else:
            raise DataError(
                f"beside {shots} supports of each class, no example by another drawer is left as a query",
                "add examples by other drawers, or ask for fewer shots",
            )
        answers = np.repeat(np.arange(len(asked)), [len(part) for part in asked])
        flat = np.array([index for part in asked for index in part], np.int64)
        tasks.append(Task(tuple(groups[index] for index in flat.tolist()), supports, flat, answers))
    return tuple(tasks)


def verification_pairs(examples: Examples, count: int, seed: int) -> Pairs:
    """`count` pairs, half of the same class, half of different classes of one alphabet, by different drawers.

    Every first example has one partner of either kind, so that neither its class nor its drawer tells the
    kind; the sides are swapped at random. Examples are first once before any is a second time; those without
    a partner of both kinds are only partners.

    Raises:
        ValueError: `count` is not even and positive.
        DataError: no example has a partner of either kind.
    """
    if count < 2 or count % 2:
        raise ValueError(f"expected an even number of pairs; got {count}")
    rng = np.random.default_rng(seed)
    keys = _drawer_keys(examples)
    firsts: list[tuple[int, int, int]] = []
    while len(firsts) < count // 2:
        before = len(firsts)
        for first in rng.permutation(len(examples)).tolist():
            near = np.flatnonzero((examples.alphabets == examples.alphabets[first]) & (keys != keys[first]))
            same = examples.classes[near] == examples.classes[first]
            if same.any() and not same.all():
                firsts.append((first, int(rng.choice(near[same])), int(rng.choice(near[~same]))))
            if len(firsts) == count // 2:
                break
        if len(firsts) == before:
            raise DataError(
                "no example has one of its class and one of another class of its alphabet by another drawer",
                "verification needs two classes in an alphabet, with two examples each",
            )
    table = np.array(firsts, np.int64)
    indices = rng.permuted(np.concatenate([table[:, [0, 1]], table[:, [0, 2]]]), axis=1)
    order = rng.permutation(count)
    groups = np.tile(group_names(examples)[table[:, 0]], 2)[order]
    return Pairs(indices[order], (np.arange(count) < count // 2)[order], tuple(groups.tolist()))


def group_names(examples: Examples, indices: NDArray[np.int64] | None = None) -> NDArray[np.str_]:
    """The group of each example, to cluster intervals by: its alphabet, or in a single one its class.

    A model will be used on new groups, so an interval has to allow for the differences between groups.

    Returns:
        The names, (N,) of all examples, or (n,) of those at `indices`.
    """
    chosen = np.arange(len(examples)) if indices is None else indices
    alphabets = [examples.alphabet_names[code] for code in examples.alphabets[chosen].tolist()]
    classes = [examples.class_names[code] for code in examples.classes[chosen].tolist()]
    return np.asarray(choose_groups(alphabets, classes))


def _by_class_and_drawer(examples: Examples, alphabet: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One example of each class by each known drawer of an alphabet.

    Returns:
        (classes, drawers) int64 indices, -1 where the drawer has not drawn the class.
    """
    known = (examples.alphabets == alphabet) & (examples.drawers != UNKNOWN_DRAWER)
    members = rng.permutation(np.flatnonzero(known))  # of several in one place, the last one stays
    classes, rows = np.unique(examples.classes[members], return_inverse=True)
    drawers, columns = np.unique(examples.drawers[members], return_inverse=True)
    table = np.full((len(classes), len(drawers)), -1, np.int64)
    table[rows, columns] = members
    return table


def _members(examples: Examples, classes: NDArray[np.int64], least: int) -> list[NDArray[np.int64]]:
    """The indices of the examples of each class, at least `least` of them."""
    by_class = examples.by_class()
    members = [by_class.get(code, np.empty(0, np.int64)) for code in classes.tolist()]
    for code, indices in zip(classes.tolist(), members, strict=True):
        if len(indices) < least:
            raise DataError(
                f"{examples.class_names[code]} has {len(indices)} examples; {least} are needed for a task",
                "add examples, or ask for fewer shots or queries",
            )
    return members


def _pools(examples: Examples, shots: int) -> list[list[NDArray[np.int64]]]:
    """The indices of classes with at least `shots` examples, for each alphabet with two or more of them."""
    pools: dict[int, list[NDArray[np.int64]]] = {}
    for indices in examples.by_class().values():
        if len(indices) >= shots:
            pools.setdefault(int(examples.alphabets[indices[0]]), []).append(indices)
    found = [pool for _, pool in sorted(pools.items()) if len(pool) > 1]
    if not found:
        raise DataError(
            f"no alphabet has two classes with {shots} examples each", "add examples, or ask for fewer shots"
        )
    return found


def _drawer_keys(examples: Examples) -> NDArray[np.int64]:
    """Numbers that tell the drawers of one alphabet apart: equal ones stand for one person.

    An example whose drawer is unknown gets a number that no other example has, so it counts as by another.

    Returns:
        (N,) int64.
    """
    alone = -1 - np.arange(len(examples))
    return np.where(examples.drawers == UNKNOWN_DRAWER, alone, examples.drawers)


def _by_different_drawers(
    chosen: list[NDArray[np.int64]],
    keys: NDArray[np.int64],
    shots: int,
    queries: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Draws a task: its supports, and queries that none of the supports' drawers has drawn.

    Returns:
        (W, shots) indices of the supports, and for each class up to `queries` indices.
    """
    drawers = np.unique(np.concatenate([keys[indices] for indices in chosen]))
    ranks = rng.permutation(len(drawers))
    ordered = [
        indices[np.lexsort((rng.random(len(indices)), ranks[np.searchsorted(drawers, keys[indices])]))]
        for indices in chosen
    ]
    supports = np.stack([indices[:shots] for indices in ordered])
    taken = np.unique(keys[supports])
    left = [indices[~np.isin(keys[indices], taken)] for indices in ordered]
    return supports, [indices[::-1][:queries].tolist() for indices in left]
