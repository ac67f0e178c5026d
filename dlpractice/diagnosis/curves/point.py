"""Points of a capacity or learning curve: the runs of one variant of a config, seeds averaged."""

from dataclasses import dataclass, field
from typing import Any

from dlpractice.runs.answers import Answers
from dlpractice.statistics.differences import unpaired_interval


@dataclass(frozen=True)
class Point:
    """Where a variant stands on the axis, and what came of it.

    place: trained parameters, a config's value, or training images. train and val: errors, shares in [0, 1];
    n: validation examples. trials: how many independent ones they are worth. label: what people call it.
    parameters: how many are trained. groups: how many there are where validation images are bound; else None.
    answers: the mean answers over seeds to the validation images; None where the runs kept none, or were
    asked different ones.
    """

    place: float
    train: float
    val: float
    n: int
    trials: float
    label: str
    parameters: int = 0
    groups: int | None = None
    answers: Answers | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """All but the single answers, in types that JSON has; groups only where there are some."""
        return {key: value for key, value in vars(self).items() if key != "answers" and value is not None}


def subtract_errors(a: Point, b: Point, z: float) -> tuple[float, float]:
    """The interval of the difference between the validation errors of `a` and `b`, a's minus b's.

    It is paired where both answered the same images. z: its half width in standard errors.
    """
    if a.answers is not None and b.answers is not None and a.answers.has_questions_of(b.answers):
        return b.answers.difference_interval(a.answers, z)
    if not a.trials or not b.trials:
        return -1.0, 1.0
    return unpaired_interval(a.val, a.trials, b.val, b.trials, z)
