"""Points of a capacity or learning curve: the runs of one variant of a config, seeds averaged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlpractice.statistics.differences import paired_interval, unpaired_interval


@dataclass(frozen=True)
class Point:
    """Where a variant stands on the axis, and what came of it.

    place: trained parameters, a config's value, or training images. train and val: errors, shares in [0, 1];
    n: validation examples. label: what people call it. parameters: how many are trained. correct: by
    validation image, the share of seeds that are right; none where the runs kept no answers.
    """

    place: float
    train: float
    val: float
    n: int
    label: str
    parameters: int = 0
    correct: Mapping[str, float] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Any]:
        """All but the single answers, in types that JSON has."""
        return {key: value for key, value in vars(self).items() if key != "correct"}


def subtract_errors(a: Point, b: Point, z: float) -> tuple[float, float]:
    """The interval of the difference between the validation errors of `a` and `b`, a's minus b's.

    It is paired where both answered the same images. z: its half width in standard errors.
    """
    if a.correct and a.correct.keys() == b.correct.keys():
        return paired_interval([b.correct[key] for key in a.correct], list(a.correct.values()), z)
    if not a.n or not b.n:
        return -1.0, 1.0
    return unpaired_interval(a.val, a.n, b.val, b.n, z)
