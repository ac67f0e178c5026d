"""Rules for one-shot runs."""

from types import SimpleNamespace
from typing import Any

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import one_shot as rules
from dlpractice.diagnosis.rules.validation import see_chance


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


def test_pairs_at_chance(make: SimpleNamespace) -> None:
    record = run_with(make, verification=measure(0.5) | {"auc": 0.51})
    sign = see_chance(open_case(record))
    assert (sign.severity, sign.overrides) == ("error", ())
    assert "an area of 0.51" in sign.evidence[0]
    assert "an accuracy of 99.0%" in sign.evidence[1]
    assert see_chance(open_case(run_with(make, verification=measure(0.6) | {"auc": 0.6}))) is None
    assert see_chance(open_case(run_with(make))) is None


def recorded(make: SimpleNamespace, *spreads: float | None) -> Any:
    looks = [{"output": {"similarity": {"spread": spread, "asymmetry": 0.0}}} for spread in spreads]
    diagnostics = {"start": looks[0], "epochs": looks[1:]}
    return open_case(make.run_of(config={"command": "oneshot"}, diagnostics=diagnostics))


def test_collapse(make: SimpleNamespace) -> None:
    sign = rules.see_collapse(recorded(make, 0.6, 0.3, 0.004))
    assert sign.severity == "error"
    assert "by 0.004 in the end" in sign.evidence[0]
    for spreads in ((0.6, 0.02, 0.5), (0.6, 2.0), (0.6,), (0.6, None), (0.0, 0.0)):
        assert rules.see_collapse(recorded(make, *spreads)) is None


def few_classes(make: SimpleNamespace, classes: int, val_accuracy: float) -> Any:
    rows = make.split_rows(train=3000, classes=classes)
    results = {"val_accuracy": measure(val_accuracy)}
    summary = {"results": results, "best_epoch": 30}
    record = make.run_of(0.95, val_accuracy, config={"command": "oneshot"}, rows=rows, summary=summary)
    return rules.see_few_classes(open_case(record))


def test_few_classes_that_are_told_apart_by_what_others_lack(make: SimpleNamespace) -> None:
    sign = few_classes(make, 30, 0.5)
    assert sign.evidence[0].startswith(
        "30 classes to train on; training tasks are answered with an accuracy of 95"
    )
    assert sign.overrides == ("data.glyph_alphabets=100",)
    assert few_classes(make, 300, 0.5) is None
    assert few_classes(make, 30, 0.92) is None


def test_asymmetry(make: SimpleNamespace) -> None:
    for asymmetry, found in ((0.5, True), (1e-6, False)):
        start = {"output": {"similarity": {"asymmetry": asymmetry, "spread": 2.0}}}
        record = make.run_of(config={"command": "oneshot"}, diagnostics={"start": start})
        assert (rules.see_asymmetry(open_case(record)) is not None) == found
