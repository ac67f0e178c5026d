"""Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): many candidates at a small budget, the
better half of them at a larger one, and so on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2

Score = tuple[float, float]
"""Higher is better; the second number decides between equal first ones."""


@dataclass(frozen=True)
class Price:
    """What the training of a candidate takes, in any unit.

    start: what comes before its first epoch. epoch: each epoch. epochs: how many make a full training.
    """

    start: float
    epoch: float
    epochs: int

    @property
    def whole(self) -> float:
        """That of a full training."""
        return self.of(self.epochs)

    def of(self, epochs: int) -> float:
        """That of a training of so many epochs."""
        return self.start + epochs * self.epoch

    def count_epochs(self, budget: float) -> int:
        """The epochs that `budget` pays for, at most those of a full training; 0 where it does not pay for
        one."""
        if budget >= self.whole:
            return self.epochs
        return max(0, int((budget - self.start) / self.epoch))


def halve(
    prices: Mapping[str, Price], budget: float, train: Callable[[str, int], Score]
) -> dict[str, list[int]]:
    """Trains candidates in rounds, all of which together take no more than `budget`.

    Each round gets an even share of what is left of the budget. A candidate that was trained in full has
    nothing more to gain; of the others, the better half goes on to the next round, in which it is trained
    anew with more epochs, until one is left. So what is cheap is trained in full at once, and only what is
    dear has to race.

    Args:
        prices: by candidate; the order decides between equals.
        train: trains a candidate for so many epochs, and says how good it is.

    Returns the epochs of each round, by candidate; none for one that the whole budget could not pay for.
    """
    rounds: dict[str, list[int]] = {name: [] for name in prices}
    scores: dict[str, Score] = {}
    racing, left = [name for name, price in prices.items() if price.count_epochs(budget)], budget
    for remaining in range(count_rounds([prices[name] for name in racing], budget), 0, -1):
        known = {name: max(rounds[name], default=0) for name in racing}
        given = share_out(left / remaining, {name: prices[name] for name in racing}, known)
        for name in (name for name in racing if name in given):
            scores[name] = train(name, given[name])
            rounds[name].append(given[name])
            left -= prices[name].of(given[name])
        unfinished = [name for name in racing if max(rounds[name], default=0) < prices[name].epochs]
        unfinished.sort(key=lambda name: scores.get(name, (-1.0, 0.0)), reverse=True)
        racing = unfinished[: ceil(len(unfinished) / 2)]
    return rounds


def count_rounds(prices: Sequence[Price], budget: float) -> int:
    """How many rounds it takes until one is left of those that an even share of the budget does not pay
    for."""
    dear = [price for price in prices if price.whole > budget / len(prices)]
    return ceil(log2(len(dear))) + 1 if dear else 1


def share_out(budget: float, prices: Mapping[str, Price], known: Mapping[str, int]) -> dict[str, int]:
    """The epochs that each candidate is trained for in a round of `budget`, where these are more than the
    epochs that it was trained for before, `known`.

    Each gets the same, the cheapest first; what one does not need is shared among the others.
    """
    given: dict[str, int] = {}
    for place, name in enumerate(sorted(prices, key=lambda name: prices[name].whole)):
        epochs = prices[name].count_epochs(budget / (len(prices) - place))
        if epochs > known[name]:
            given[name] = epochs
            budget -= prices[name].of(epochs)
    return given
