"""The rule of one standard error, against its formula on independent items."""

import numpy as np

from dlpractice.statistics.parsimony import pick_cheapest

COSTS = {"dear": 10.0, "cheap": 1.0}


def test_the_cheaper_one_wins_until_it_is_a_standard_error_worse() -> None:
    """Bonett and Price at one standard error: with `lost` items lost of 100 and none gained, the difference
    and two more items, +1 and -1."""
    turns = []
    for lost in range(8):
        dear, cheap = np.ones(100), np.ones(100)
        cheap[:lost] = 0
        items = tuple(map(str, range(100)))
        chosen, best = pick_cheapest({"cheap": cheap, "dear": dear}, COSTS, items)
        differences = np.array([*(cheap - dear), 1, -1])
        within = differences.mean() + differences.std() / np.sqrt(102) >= 0
        assert chosen == ("cheap" if within else "dear")
        assert best == ("dear" if lost else "cheap")  # the first of equals
        turns.append(chosen)
    assert {"cheap", "dear"} == set(turns)


def test_items_of_one_group_tell_less() -> None:
    dear, cheap = np.ones(100), np.ones(100)
    cheap[:10] = 0
    alone, bound = [str(n) for n in range(100)], [str(n // 10) for n in range(100)]
    assert pick_cheapest({"dear": dear, "cheap": cheap}, COSTS, alone)[0] == "dear"
    assert pick_cheapest({"dear": dear, "cheap": cheap}, COSTS, bound)[0] == "cheap"


def test_a_dear_one_that_is_worse_is_never_chosen() -> None:
    worse = np.array([1.0, 0.0] * 50)
    assert pick_cheapest({"dear": worse, "cheap": np.ones(100)}, COSTS, ["x"] * 100) == ("cheap", "cheap")
