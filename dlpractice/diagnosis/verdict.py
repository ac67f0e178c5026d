"""Verdicts: asks the rules about a record, ranks what they find, and says it in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlpractice.diagnosis.case import Case, Errors, open_case
from dlpractice.diagnosis.finding import SEVERITIES, Finding, Severity
from dlpractice.diagnosis.record import Curve, Record
from dlpractice.diagnosis.rule_table import EXPLAINED_BY, RULES
from dlpractice.diagnosis.rules.bias_and_variance import is_gap_seen
from dlpractice.diagnosis.rules.splits import WIDE

_NO_FAULTS = ("still improving", "validation too small", "worst mistakes", "first signs")
"""Remarks that speak of no fault."""


@dataclass(frozen=True)
class Diagnosis:
    """The answer of `dlp diagnose` about one training.

    verdict: the answer in a sentence. findings: in the order of `rank`. unjudged: the names of the rules that
    could not be asked, each with the needs that the record does not meet.
    """

    record: Record
    verdict: str
    findings: tuple[Finding, ...]
    unjudged: tuple[tuple[str, tuple[str, ...]], ...]

    def worse_than(self, severity: Severity) -> list[Finding]:
        """The findings that are as bad as `severity`, or worse."""
        return [f for f in self.findings if SEVERITIES.index(f.severity) <= SEVERITIES.index(severity)]

    def to_json(self) -> dict[str, Any]:
        """What `dlp diagnose --json` prints. Values of curves that are not finite become None."""
        record = self.record
        return {
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "insufficient_evidence": [{"name": name, "needs": list(needs)} for name, needs in self.unjudged],
            "run": record.path,
            "kind": record.kind,
            "finished": record.finished,
            "notes": list(record.notes),
            "missing": list(record.missing),
            "clock": record.clock,
            "epochs": record.epochs,
            "steps": record.steps,
            "columns": dict(record.columns),
            "unused": list(record.unused),
            "curves": {
                name: {"at": list(curve.at), "values": _finite(curve)}
                for name, curve in record.curves.items()
            },
        }


def diagnose(record: Record, target_error: float | None = None, classes: int | None = None) -> Diagnosis:
    """Asks every rule whose needs the record meets.

    target_error: the error that could be reached, a share in [0, 1]; None takes the lowest one that is known
    for the run's data set, if there is one. classes: how many there are, for a log that does not say so.
    """
    case = open_case(record, target_error, classes)
    findings: list[Finding] = []
    unjudged = []
    for rule in (rule for rule in RULES if rule.applies(case)):
        if lacking := rule.lacks(case):
            unjudged.append((rule.name, lacking))
        elif (finding := rule.judge(case)) is not None:
            findings.append(finding)
    findings = rank(findings)
    return Diagnosis(record, _conclude(case, findings), tuple(findings), tuple(unjudged))


def rank(findings: Sequence[Finding]) -> list[Finding]:
    """Puts the findings into the order in which to mend them.

    Errors and warnings come before remarks. Among them, those that no other one explains come first, and of
    these errors before warnings; equals stay in the order given. A finding that another error or warning
    explains may vanish with its cause: its confidence becomes low, and its overrides are left out.
    """
    serious = {finding.name for finding in findings if finding.severity != "info"}
    explained = {f.name for f in findings if serious.intersection(EXPLAINED_BY.get(f.name, ()))}
    doubted = [replace(f, confidence="low", overrides=()) if f.name in explained else f for f in findings]

    def order(finding: Finding) -> tuple[bool, bool, int]:
        severity = SEVERITIES.index(finding.severity)
        return finding.severity == "info", finding.name in explained, severity

    return sorted(doubted, key=order)  # stable


def _conclude(case: Case, findings: list[Finding]) -> str:
    serious = [finding for finding in findings if finding.severity != "info"]
    if serious:
        top = serious[0]
        sure = {"high": "", "medium": "Probably ", "low": "Perhaps "}[top.confidence]
        sentence = f"{sure}{top.name}: {top.evidence[0]}."
        return sentence[0].upper() + sentence[1:]
    if _is_insufficient(case):
        parts = [f"Insufficient evidence: {_name_length(case)}"]
        if case.record.missing:
            parts.append(f"no {', '.join(case.record.missing)}")
        parts += [finding.evidence[0] for finding in findings if finding.name == "first signs"]
        return f"{'; '.join(parts)}."
    start = _name_remarks(case, findings)
    if case.errors is None:
        return f"{start} in the losses; without accuracies no more can be said."
    about = f"{case.errors.describe()}{_say_how_few(case, case.errors)}"
    if case.target is None:
        return f"{start}: {about}; what could be reached is not known."
    target = f"{case.target.error:.1%} is the target ({case.target.source})"
    if case.errors.val_interval[0] <= case.target.error:
        done = "Done" if not _is_wide(case.errors) else start
        return f"{done}: {about}; {target}, which is within the noise."
    return f"{start}: {about}; {target}."


def _name_length(case: Case) -> str:
    """How long the log is: its last epoch, or its entries where it counts none."""
    curves = [curve for curve in case.record.curves.values() if len(curve)]
    last = max((curve.at[-1] for curve in curves), default=0.0)
    if case.clock == "epoch":
        return f"{last:.3g} epochs"
    entries = max((len(curve) for curve in curves), default=0)
    return f"{entries} entries" if case.clock == "entry" else f"{entries} values up to step {last:g}"


def _name_remarks(case: Case, findings: list[Finding]) -> str:
    """How the verdict begins where nothing serious was found: with the remarks, where there are some."""
    if is_gap_seen(case):
        return "Some overfitting"
    remarks = [finding.name for finding in findings if finding.name not in _NO_FAULTS]
    if remarks:
        return f"No fault is certain, but {' and '.join(remarks)} is to be seen"
    if case.errors is not None and _is_wide(case.errors):
        return "Too little validation to tell whether anything is wrong"
    return "Nothing wrong is to be seen"


def _is_wide(errors: Errors) -> bool:
    """Whether the validation error rests on so few images that a gap could hide in its interval."""
    return errors.counted and errors.val_interval[1] - errors.val_interval[0] > 2 * WIDE.value


def _say_how_few(case: Case, errors: Errors) -> str:
    """How far the validation error could be off, where it rests on few examples."""
    if not _is_wide(errors):
        return ""
    low, high = errors.val_interval
    count = case.bound or f"{case.run.count('validation'):,} validation examples"
    if case.run.command == "oneshot" and case.trials is not None:
        count = f"tasks that are worth {case.trials[1]:,.0f} independent answers"
    return f"; {count} leave a validation error of {low:.1%} to {high:.1%}"


def _is_insufficient(case: Case) -> bool:
    """Whether too little was logged to take an absence of findings for a good sign.

    A trend of both losses is needed for that, or errors on known numbers of examples.
    """
    if case.errors is not None and case.errors.counted:
        return False
    return "val_loss" not in case.trends or "loss" not in case.trends


def _finite(curve: Curve) -> list[float | None]:
    """The values of a curve; None for those that are not finite, which JSON has no number for."""
    finite = np.isfinite(curve.array)
    return (
        list(curve.values)
        if finite.all()
        else [v if f else None for v, f in zip(curve.values, finite, strict=True)]
    )
