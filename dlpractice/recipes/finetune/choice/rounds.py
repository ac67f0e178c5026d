"""Candidates trained at small budgets, each in a run directory of its own inside the run, judged on
validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune
from dlpractice.progress import Progress
from dlpractice.recipes.finetune.choice.cost import Cost
from dlpractice.recipes.finetune.choice.elimination import Price, Score, halve
from dlpractice.runs.answers import Answers, read_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.differences import paired_interval
from dlpractice.statistics.parsimony import pick_cheapest

AT_ONCE = 1e11
"""Products of a training that is not worth shortening: a second or two of a processor."""
SHARE = 4
"""Other candidates race with one in so many of their epochs."""
FALL = 0.5
"""The power of its epochs with which the error of a candidate is expected to fall, see `_promise`. Learning
curves are near to power laws (Cortes et al. 1993, "Learning curves"). Four times the epochs took the small
net's errors from 11.2 to 8.1 % on glyphs and from 3.1 to 1.2 % on words (scripts/benchmark-auto, seed 0,
160 validation images)."""

TryOut = Callable[[Finetune, RunDirectory], object]
"""Trains a config in a run directory without a look at the test split; goes on where a killed run stopped."""


@dataclass
class Rounds:
    """The candidates of a choice and how they have done so far.

    configs: by candidate, for a training in full. costs: what each of these takes. run: the run that is to
    be.
    """

    configs: Mapping[str, Finetune]
    costs: Mapping[str, Cost]
    run: RunDirectory
    try_out: TryOut
    progress: Progress
    answers: dict[str, Answers] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def race(self, budget: float) -> None:
        """Trains the candidates by successive halving within `budget`, in products; then in full those that
        were trained in part and promise to be the best: if they keep it, this was their own cost."""
        halve({name: shorten_race(cost.price) for name, cost in self.costs.items()}, budget, self._train)
        while promises := {name: gain for name in self.rows if (gain := self._promise(name)) > 0}:
            name = max(promises, key=promises.__getitem__)
            self._train(name, self.costs[name].price.epochs)

    def whole_run(self, name: str) -> str | None:
        """The folder in the run in which candidate `name` was trained in full; None where it was not."""
        return self.rows[name][-1]["run"] if name in self.whole else None

    def _promise(self, name: str) -> float:
        """How far ahead of the best of those trained in full the candidate would be with all of its epochs,
        beyond one standard error of the difference. 0 where it has had them, or none has."""
        if name in self.whole or not self.whole:
            return 0.0
        best = max(self.whole, key=self.scores.__getitem__)
        one, other = self.answers[name], self.answers[best].in_order_of(self.answers[name])
        low, high = paired_interval(one.correct, other.correct, 1.0, one.groups)
        share = self.rows[name][-1]["epochs"] / self.costs[name].price.epochs
        expected = (1 - self.scores[name][0]) * share**FALL
        return float(1 - self.scores[best][0] - expected - (high - low) / 2)

    @property
    def whole(self) -> set[str]:
        """The candidates that were trained in full."""
        return {
            name for name, rows in self.rows.items() if rows[-1]["epochs"] == self.costs[name].price.epochs
        }

    def pick(self) -> tuple[str, str]:
        """The cheapest of those tried that are as good as the best on validation, and the best."""
        first = next(iter(self.answers.values()))
        aligned = {name: answers.in_order_of(first) for name, answers in self.answers.items()}
        return pick_cheapest(
            {name: answers.correct for name, answers in aligned.items()},
            {name: cost.whole for name, cost in self.costs.items()},
            first.groups,
        )

    def to_json(self, best: str) -> list[dict[str, Any]]:
        """The candidates as choice.json has them."""
        return [
            {
                "strategy": name,
                "epochs": config.training.passes(),
                "products": self.costs[name].price.whole,
                "rounds": self.rows.get(name, []),
                "difference": None
                if name == best or name not in self.answers
                else self.answers[name].difference(self.answers[best]).to_json(),
            }
            for name, config in self.configs.items()
        ]

    def _train(self, name: str, epochs: int) -> Score:
        config = self.configs[name]
        self.progress.say(f"auto: trying {name}, {epochs} of {config.training.passes()} epochs")
        folder = self.run.candidates / f"{name}-{epochs}"
        with RunDirectory.resume_or_create(folder) as opened:
            self.try_out(shorten(config, epochs), opened)
            if epochs < self.costs[name].price.epochs:
                opened.drop_checkpoints()
        tried = RunDirectory.read(folder)
        answers = self.answers[name] = read_answers(tried, "validation")
        self.rows.setdefault(name, []).append(
            {
                "epochs": epochs,
                "val_accuracy": answers.accuracy().to_json(),
                "products": self.costs[name].price.of(epochs),
                "seconds": tried.summary()["seconds"],
                "run": str(folder.relative_to(self.run.path)),
            }
        )
        score = self.scores[name] = float(answers.correct.mean()), -float(_finite(answers.losses).mean())
        return score


def shorten_race(price: Price) -> Price:
    """The price of what a candidate is trained for in the race: of all its epochs where that takes a second
    or so, else of a share."""
    return price if price.whole <= AT_ONCE else replace(price, epochs=ceil(price.epochs / SHARE))


def shorten(config: Finetune, epochs: int) -> Finetune:
    """The config with so many epochs in the last stage, its warm-up in proportion, and nothing recorded for
    other commands; as it is if those are all of its epochs."""
    training = config.training
    if epochs == training.passes():
        return config
    changes = {
        "epochs": epochs,
        "warmup": training.warmup * epochs / training.passes(),
        "tensorboard": False,
        "diagnostics": False,
    }
    return config.model_copy(update={"training": training.model_copy(update=changes)})


def _finite(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The losses, with the largest number in place of what is none: a net that exploded is the worst."""
    return np.nan_to_num(losses, nan=1e9, posinf=1e9)
