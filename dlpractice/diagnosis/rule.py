"""What a rule is: its name, what it needs and compares, what explains it, and what to do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.curves import trends
from dlpractice.diagnosis.finding import Finding, Sign

RECORDED = "diagnostics.json (training.diagnostics: true)"

NEEDS: Mapping[str, Callable[[Case], bool]] = {
    "training loss": lambda case: case.record.curve("loss") is not None,
    "validation loss": lambda case: case.record.curve("val_loss") is not None,
    "a trend of the training loss": lambda case: "loss" in case.trends,
    "a trend of the validation loss": lambda case: "val_loss" in case.trends,
    "a trend of the validation loss, or accuracies": lambda case: (
        "val_loss" in case.trends or case.errors is not None
    ),
    "training and validation accuracy": lambda case: case.errors is not None,
    "a classification run": lambda case: case.record.run is not None and case.run.command == "finetune",
    "a classification": lambda case: (
        bool(case.record.recorded_start.get("classes"))
        if case.record.run is None
        else case.run.command == "finetune"
    ),
    "a one-shot run": lambda case: case.record.run is not None and case.run.command == "oneshot",
    "splits.csv": lambda case: case.record.run is not None and bool(case.run.splits),
    "predictions.csv": lambda case: case.record.run is not None and bool(case.run.predictions),
    "summary.json": lambda case: case.record.run is not None and case.run.summary is not None,
    RECORDED: lambda case: case.record.diagnostics is not None,
}
"""What a rule can need, in the words of the documentation, and whether a case has it. A trend takes five
epochs."""

KINDS = ("a classification run", "a classification", "a one-shot run")
"""Needs that say which runs a rule is about. It does not apply to runs of another kind. "A classification" is
one that `dlp` ran, or one of others that recorded its number of classes."""

OWN = {*KINDS, "splits.csv", "predictions.csv", "summary.json", RECORDED}
"""Needs that a mere log cannot meet. A training of others meets some by what it recorded of its net."""


@dataclass(frozen=True)
class Threshold:
    """A number that a rule compares with: its name, its value, and where it is from."""

    name: str
    value: float
    source: str


SURE = Threshold(
    "standard errors of a change",
    trends.SURE,
    "one-sided chance of 0.1 %; for the largest of many, more than in 999 orders of the same noise",
)
"""From here on a change of a curve counts as seen."""

UNTRAINED = "whatever stops the training"
"""Stands in `explained_by` for the names of all rules with `stops_training`."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of fault that a training can have.

    finds: what a finding means, a sentence. needs: names of NEEDS. causes: what else could be behind it.
    remedy: what to do. look: a pure function of a case that meets all needs; None where it sees nothing.
    importance: findings of equal severity are listed from the highest to the lowest; no two rules share one.
    explained_by: names of the rules whose findings cause this one, too: beside one of them it is in doubt.
    stops_training: whether a net with this fault is not trained, so that other findings mean little.
    """

    name: str
    finds: str
    needs: tuple[str, ...]
    thresholds: tuple[Threshold, ...] = ()
    causes: str
    remedy: str
    look: Callable[[Case], Sign | None]
    importance: int
    explained_by: tuple[str, ...] = ()
    stops_training: bool = False

    def lacks(self, case: Case) -> tuple[str, ...]:
        """The needs that the case does not meet."""
        return tuple(need for need in self.needs if not NEEDS[need](case))

    def applies(self, case: Case) -> bool:
        """Whether the rule is about runs like this one.

        Of a log of others it may ask for curves alone, unless the training recorded of its net what it needs.
        """
        if case.record.run is None:
            return all(NEEDS[need](case) for need in OWN.intersection(self.needs))
        return all(NEEDS[kind](case) for kind in self.needs if kind in KINDS)

    def judge(self, case: Case) -> Finding | None:
        """The finding, if there is one. The case must lack nothing."""
        sign = self.look(case)
        if sign is None:
            return None
        return Finding(
            self.name,
            sign.severity,
            sign.confidence,
            sign.evidence,
            self.causes,
            sign.remedy or self.remedy,
            sign.overrides,
            sign.curve,
            sign.paths,
        )
