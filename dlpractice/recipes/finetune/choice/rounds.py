"""Candidates trained at small budgets, each in a run directory of its own inside the run, judged on
validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.config.schema import Finetune
from dlpractice.progress import Progress
from dlpractice.recipes.finetune.choice.cost import Cost
from dlpractice.recipes.finetune.choice.elimination import Score, halve
from dlpractice.runs.answers import Answers, read_answers
from dlpractice.runs.directory import RunDirectory
from dlpractice.statistics.parsimony import pick_cheapest

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
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def race(self, budget: float) -> None:
        """Trains the candidates by successive halving within `budget`, in products."""
        halve({name: cost.price for name, cost in self.costs.items()}, budget, self._train)

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
        return float(answers.correct.mean()), -float(_finite(answers.losses).mean())


def shorten(config: Finetune, epochs: int) -> Finetune:
    """The config with so many epochs in the last stage, its warm-up in proportion, and nothing recorded for
    other commands."""
    training = config.training
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
