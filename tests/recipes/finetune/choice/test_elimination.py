"""The schedule of successive halving, worked out by hand."""

import pytest

from dlpractice.recipes.finetune.choice.elimination import Price, Score, count_rounds, halve, share_out

EQUAL = {name: Price(0, 1, 100) for name in "abcd"}


def run(prices: dict[str, Price], budget: float, good: str) -> tuple[dict[str, list[int]], float]:
    """Rounds and what they took, where the candidates are the better the earlier they stand in `good`."""
    spent = 0.0

    def train(name: str, epochs: int) -> Score:
        nonlocal spent
        spent += prices[name].of(epochs)
        return float(-good.index(name)), 0.0

    return halve(prices, budget, train), spent


def test_four_equals_race_in_three_rounds() -> None:
    rounds, spent = run(EQUAL, 120, "cadb")
    assert rounds == {"a": [10, 20], "b": [10], "c": [10, 20, 40], "d": [10]}
    assert spent == 120


def test_what_is_cheap_is_trained_in_full_at_once_and_leaves_its_share() -> None:
    prices = {"head": Price(0, 0.1, 30), "deep": Price(1, 1, 40), "slow": Price(0, 2, 40)}
    rounds, spent = run(prices, 63, "headslowdeep")
    # Two dear ones make two rounds. Of 31.5, the head takes 3, and 14.25 are left for each of the others;
    # these leave 32 for the better one.
    assert rounds == {"head": [30], "deep": [13], "slow": [7, 16]}
    assert spent == pytest.approx(63)


@pytest.mark.parametrize("budget", [0, 0.5, 3, 17, 1000, 1e6])
def test_the_budget_is_kept(budget: float) -> None:
    prices = {"a": Price(0.1, 0.1, 9), "b": Price(2, 3, 8), "c": Price(0, 7, 20), "d": Price(5, 1, 50)}
    rounds, spent = run(prices, budget, "dcba")
    assert spent <= budget
    for name, epochs in rounds.items():
        assert epochs == sorted(set(epochs)) and all(0 < n <= prices[name].epochs for n in epochs)
    if budget >= sum(price.whole for price in prices.values()):
        assert rounds == {name: [price.epochs] for name, price in prices.items()}


def test_a_candidate_that_nothing_pays_for_is_not_tried() -> None:
    rounds, _ = run({"a": Price(0, 1, 5), "b": Price(0, 1e9, 5)}, 10, "ab")
    assert rounds == {"a": [5], "b": []}


def test_rounds_and_shares() -> None:
    assert count_rounds([*EQUAL.values()], 1e9) == 1
    assert count_rounds([*EQUAL.values()], 10) == 3
    assert share_out(4, EQUAL, dict.fromkeys("abcd", 5)) == {}  # no more than before
    assert share_out(10, {"a": Price(0, 1, 2), "b": Price(0, 1, 99)}, {"a": 0, "b": 0}) == {"a": 2, "b": 8}
