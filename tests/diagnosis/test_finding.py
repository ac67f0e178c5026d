"""Findings as JSON."""

import json

from dlpractice.diagnosis.finding import SEVERITIES, Finding


def test_a_finding_is_json() -> None:
    finding = Finding(
        "overfitting", "warning", "high", ("a",), "b", "c", ("training.epochs=3",), "val_loss", ("p",)
    )
    document = json.loads(json.dumps(finding.to_json()))
    assert document == {
        "name": "overfitting",
        "severity": "warning",
        "confidence": "high",
        "evidence": ["a"],
        "causes": "b",
        "remedy": "c",
        "overrides": ["training.epochs=3"],
        "curve": "val_loss",
        "paths": ["p"],
    }
    assert SEVERITIES[0] == "error"
