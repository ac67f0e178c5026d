"""A rule of the table: what it is called, what it needs, what it compares with what, and what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Finding, Sign

NEEDS: Mapping[str, Callable[[Case], bool]] = {
    "training loss": lambda case: case.record.curve("loss") is not None,
    "a trend of the training loss": lambda case: "loss" in case.trends,
    "a trend of the validation loss": lambda case: "val_loss" in case.trends,
    "a trend of the validation loss, or accuracies": lambda case: (
        "val_loss" in case.trends or case.errors is not None
    ),
    "training and validation accuracy": lambda case: case.errors is not None,
    "a classification run": lambda case: case.record.run is not None and case.run.command == "finetune",
    "a one-shot run": lambda case: case.record.run is not None and case.run.command == "oneshot",
    "splits.csv": lambda case: case.record.run is not None and bool(case.run.splits),
    "predictions.csv": lambda case: case.record.run is not None and bool(case.run.predictions),
    "summary.json": lambda case: case.record.run is not None and case.run.summary is not None,
    "diagnostics.json (training.diagnostics: true)": lambda case: (
        case.record.run is not None and case.run.diagnostics is not None
    ),
}
"""What a rule can need, in the words of the documentation. A trend takes five epochs."""

KINDS = ("a classification run", "a one-shot run")
"""Needs that say what a rule is about: it does not apply to a run of the other kind."""


@dataclass(frozen=True)
class Threshold:
    """A number that a rule compares with: its name, its value, and where it is from."""

    name: str
    value: float
    source: str


@dataclass(frozen=True)
class Rule:
    """finds: what it means, in a sentence. causes: what else could be behind it. remedy: what to do.

    look: a pure function of the case, asked only where all `needs` are there.
    """

    name: str
    finds: str
    needs: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    causes: str
    remedy: str
    look: Callable[[Case], Sign | None]

    def lacks(self, case: Case) -> tuple[str, ...]:
        """The needs that the case does not meet."""
        return tuple(need for need in self.needs if not NEEDS[need](case))

    def applies(self, case: Case) -> bool:
        """Whether the rule is about runs like this one. A log of others may be of any kind."""
        about = [kind for kind in self.needs if kind in KINDS]
        return case.record.run is None or all(NEEDS[kind](case) for kind in about)

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
            self.remedy,
            sign.overrides,
            sign.curve,
            sign.paths,
        )
