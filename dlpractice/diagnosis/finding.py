"""Findings: a diagnosis consists of them, one for each fault that it sees."""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
Confidence = Literal["high", "medium", "low"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""All severities, the worst first."""


@dataclass(frozen=True)
class Sign:
    """What the function of a rule reports when it sees the rule's fault in a case.

    evidence: what was seen, as sentences with numbers; at least one. overrides: what to change in the run's
    config, as `key=value`; none where no key of it would help. curve: the name of the curve that shows the
    fault; "" where none does. paths: the examples that the fault is about. remedy: what to do in this case,
    in words that say what `overrides` do; "" where the rule's words hold for every case.
    """

    severity: Severity
    confidence: Confidence
    evidence: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    curve: str = ""
    paths: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class Finding:
    """A sign, together with what its rule says of every such fault.

    name: the rule's. causes: what else could be behind it. remedy: what to do, in words: the sign's, else the
    rule's.
    """

    name: str
    severity: Severity
    confidence: Confidence
    evidence: tuple[str, ...]
    causes: str
    remedy: str
    overrides: tuple[str, ...]
    curve: str = ""
    paths: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The finding as a dictionary for `dlp diagnose --json`."""
        return {
            "name": self.name,
            "severity": self.severity,
            "confidence": self.confidence,
            "evidence": list(self.evidence),
            "causes": self.causes,
            "remedy": self.remedy,
            "overrides": list(self.overrides),
            "curve": self.curve,
            "paths": list(self.paths),
        }
