"""Rules for one-shot runs."""

from types import SimpleNamespace
from typing import Any

from dlpractice.diagnosis import embeddings as rules
from dlpractice.diagnosis.case import open_case


def measure(value: float, half: float = 0.03) -> dict[str, Any]:
    return {"value": value, "ci95": [value - half, value + half], "n": 400, "kind": "measured"}


def run_with(make: SimpleNamespace, **results: Any) -> Any:
    return make.run_of(config={"command": "oneshot"}, summary={"results": results, "best_epoch": 1})


def test_validation_that_promises_too_much(make: SimpleNamespace) -> None:
    record = run_with(make, **{"lake-20": measure(0.80), "val_accuracy": measure(0.96)})
    sign = rules.see_easier_validation(open_case(record))
    assert "96.0% on validation tasks, 80.0% on lake-20: 16.0 points, at least 11.8" in sign.evidence[0]
    record = run_with(make, **{"lake-20": measure(0.91), "val_accuracy": measure(0.96)})
    assert rules.see_easier_validation(open_case(record)) is None


def test_collapse(make: SimpleNamespace) -> None:
    record = run_with(make, verification=measure(0.5) | {"auc": 0.51})
    assert rules.see_collapse(open_case(record)).severity == "error"
    record = run_with(make, verification=measure(0.9) | {"auc": 0.97})
    assert rules.see_collapse(open_case(record)) is None


def test_asymmetry(make: SimpleNamespace) -> None:
    for asymmetry, found in ((0.5, True), (1e-6, False)):
        start = {"output": {"similarity": {"asymmetry": asymmetry, "spread": 2.0}}}
        record = make.run_of(config={"command": "oneshot"}, diagnostics={"start": start})
        assert (rules.see_asymmetry(open_case(record)) is not None) == found
