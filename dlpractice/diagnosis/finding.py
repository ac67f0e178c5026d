"""What a diagnosis says."""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
Confidence = Literal["high", "medium", "low"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The worst first."""


@dataclass(frozen=True)
class Sign:
    """What one rule saw.

    evidence: sentences with numbers. overrides: the remedy as `key=value` of the run's config; none where no
    key of it would help. curve: the curve to show. paths: the examples that it is about.
    """

    severity: Severity
    confidence: Confidence
    evidence: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    curve: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A sign, with what its rule knows. causes: what else it could be. remedy: what to do, in words."""

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
        """The same in types that JSON has."""
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
