"""Training batches, on a small table of alphabets, classes and drawers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.data.examples import Examples
from dlpractice.data.oneshot.episodes import Episode, EpisodeSampler


def make_examples(rows: list[tuple[int, int, int]]) -> Examples:
    """Examples of (alphabet, class, drawer) rows, without pixels worth seeing."""
    alphabets, classes, drawers = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Examples(
        pixels=np.zeros((len(rows), 2, 2, 1), np.uint8),
        alphabets=alphabets,
        classes=classes,
        drawers=drawers,
        alphabet_names=tuple(f"alphabet{code}" for code in range(alphabets.max() + 1)),
        class_names=tuple(f"class{code}" for code in range(classes.max() + 1)),
        paths=tuple(map(str, range(len(rows)))),
        sha256=("",) * len(rows),
    )


def grid(sizes: list[int], drawers: int) -> Examples:
    """Alphabets of `sizes` classes, each class drawn once by each drawer."""
    homes = [alphabet for alphabet, size in enumerate(sizes) for _ in range(size)]
    return make_examples([(home, code, hand) for code, home in enumerate(homes) for hand in range(drawers)])


def draw(
    examples: Examples,
    alphabets: int = 2,
    classes: int = 3,
    drawings: int = 4,
    turns: tuple[int, ...] = (0,),
    seed: int = 0,
) -> Episode:
    sampler = EpisodeSampler(examples, alphabets=alphabets, classes=classes, drawings=drawings, turns=turns)
    return sampler.draw(np.random.default_rng(seed))


def parts(episode: Episode) -> list[NDArray[np.int64]]:
    return [episode.indices[episode.labels == label] for label in np.unique(episode.labels)]


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_is_of_few_alphabets_many_classes_and_different_drawers(seed: int) -> None:
    examples = grid([5, 6, 7], drawers=6)
    episode = draw(examples, seed=seed)
    assert episode.indices.shape == episode.turns.shape == episode.labels.shape == (2 * 3 * 4,)
    assert len(np.unique(examples.alphabets[episode.indices])) == 2
    found = [np.unique(examples.classes[part]) for part in parts(episode)]
    assert [len(part) for part in found] == [1] * 6  # a label is a class
    assert len({int(part[0]) for part in found}) == 6  # and a class a label
    for part in parts(episode):
        assert len(np.unique(examples.drawers[part])) == 4
    np.testing.assert_array_equal(episode.turns, 0)


def test_an_alphabet_lies_one_way_in_a_batch() -> None:
    examples, seen = grid([5, 6, 7], drawers=6), set()
    for seed in range(40):
        episode = draw(examples, turns=(0, 4, 7), seed=seed)
        for code in np.unique(examples.alphabets[episode.indices]):
            ways = np.unique(episode.turns[examples.alphabets[episode.indices] == code])
            assert len(ways) == 1
            seen.add(int(ways[0]))
    assert seen == {0, 4, 7}


def test_alphabets_are_drawn_by_their_number_of_classes() -> None:
    examples = grid([2, 6], drawers=2)
    drawn = [int(examples.alphabets[draw(examples, 1, 2, 2, seed=n).indices[0]]) for n in range(400)]
    assert np.mean(drawn) == pytest.approx(6 / 8, abs=0.07)


def test_more_is_asked_for_than_there_is() -> None:
    examples = grid([2, 3], drawers=2)
    episode = draw(examples, alphabets=9, classes=9, drawings=4)
    assert len(np.unique(episode.labels)) == 5
    for part in parts(episode):  # both drawers' drawings, each twice
        assert sorted(np.unique(part, return_counts=True)[1].tolist()) == [2, 2]


def test_the_only_example_of_a_class_is_repeated() -> None:
    episode = draw(grid([4, 4], drawers=1), drawings=3)
    for part in parts(episode):
        assert len(part) == 3
        assert len(np.unique(part)) == 1


def test_drawings_of_few_drawers_differ_as_long_as_there_are_any() -> None:
    # One drawer with one drawing, one with three: four asked for, so all of them.
    rows = [(0, code, hand) for code in range(2) for hand in (0, 1, 1, 1)]
    for seed in range(10):
        for part in parts(draw(make_examples(rows), 1, 2, 4, seed=seed)):
            assert len(np.unique(part)) == 4
        two = draw(make_examples(rows), 1, 2, 2, seed=seed)
        assert [len(np.unique(make_examples(rows).drawers[part])) for part in parts(two)] == [2, 2]


def test_unknown_drawers_are_all_different() -> None:
    examples = make_examples([(0, code, -1) for code in range(3) for _ in range(5)])
    for part in parts(draw(examples, 1, 3, 5)):
        assert len(np.unique(part)) == 5


def test_a_batch_is_a_function_of_the_generator_alone() -> None:
    examples = grid([5, 6, 7], drawers=6)
    sampler = EpisodeSampler(examples, alphabets=2, classes=3, drawings=4, turns=range(8))
    sampler.draw(np.random.default_rng(9))
    again = sampler.draw(np.random.default_rng(3))
    fresh = draw(examples, turns=tuple(range(8)), seed=3)
    for name in ("indices", "turns", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
    assert not np.array_equal(draw(examples, seed=4).indices, draw(examples, seed=5).indices)
