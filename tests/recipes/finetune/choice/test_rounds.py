"""Which candidates are trained for how long, with accuracies that are given."""

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from dlpractice.progress import Silent
from dlpractice.recipes.finetune.choice.cost import Cost
from dlpractice.recipes.finetune.choice.elimination import Price, Score
from dlpractice.recipes.finetune.choice.rounds import AT_ONCE, Rounds


class Told:
    """Answers to 400 images."""

    groups = tuple(map(str, range(400)))

    def __init__(self, correct: NDArray[np.bool_]) -> None:
        self.correct = correct.astype(float)

    def in_order_of(self, other: "Told") -> "Told":
        return self


PRICES = {"linear@block2": Price(0, AT_ONCE / 50, 40), "scratch": Price(0, AT_ONCE, 20)}


@pytest.mark.parametrize(
    ("scratch", "trained"),
    [
        ({5: 0.48}, {"linear@block2-40", "scratch-5"}),  # four times the epochs would halve 52 % of errors
        ({5: 0.51}, {"linear@block2-40", "scratch-5"}),  # to 24.5 %, which is less than one standard error
        ({5: 0.6, 20: 0.8}, {"linear@block2-40", "scratch-5", "scratch-20"}),
        ({5: 0.6, 20: 0.5}, {"linear@block2-40", "scratch-5", "scratch-20"}),  # it falls behind
    ],
)
def test_what_promises_to_lead_is_trained_in_full(
    scratch: dict[int, float], trained: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {("scratch", epochs): value for epochs, value in scratch.items()} | {("linear@block2", 40): 0.75}

    def train(self: Rounds, name: str, epochs: int) -> Score:
        self.rows.setdefault(name, []).append({"epochs": epochs, "run": f"{name}-{epochs}"})
        self.scores[name] = told[name, epochs], 0.0
        self.answers[name] = cast(Any, Told(np.arange(400) < round(400 * told[name, epochs])))
        return self.scores[name]

    monkeypatch.setattr(Rounds, "_train", train)
    costs = {name: Cost(price, 0.0) for name, price in PRICES.items()}
    nothing = cast(Any, None)
    rounds = Rounds({}, costs, nothing, nothing, Silent())
    rounds.race(100 * AT_ONCE)
    assert {row["run"] for rows in rounds.rows.values() for row in rows} == trained
    assert rounds.whole_run("linear@block2") == "linear@block2-40"
    assert rounds.whole_run("scratch") == ("scratch-20" if 20 in scratch else None)
