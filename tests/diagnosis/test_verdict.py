"""The verdict, and the order of findings."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.diagnosis.finding import Finding, Severity
from dlpractice.diagnosis.record import Record
from dlpractice.diagnosis.verdict import diagnose, rank


def test_done_where_the_target_is_within_noise(make: SimpleNamespace) -> None:
    verdict = diagnose(make.run_of(0.99, 0.985), 0.01).verdict
    assert verdict.startswith("Done: training error 1.0%, validation error 1.5%")
    assert diagnose(make.run_of(0.99, 0.97), 0.0).verdict.startswith("Nothing wrong is to be seen")
    assert "not known" in diagnose(make.run_of(0.99, 0.985)).verdict


def test_a_small_gap_beyond_its_noise_is_a_remark(make: SimpleNamespace) -> None:
    rows = make.split_rows(train=1000, validation=1000)
    found = diagnose(make.run_of(1.0, 0.955, rows=rows), 0.009)
    assert found.verdict.startswith("Some overfitting: training error 0.0%, validation error 4.5%")
    (remark,) = [finding for finding in found.findings if finding.name == "overfitting"]
    assert remark.severity == "info" and remark.overrides
    assert found.worse_than("warning") == []
    # The same gap where the target is met, or where the training error is the larger part of what is left.
    for train, val, target in ((1.0, 0.955, 0.045), (0.93, 0.885, 0.0)):
        other = diagnose(make.run_of(train, val, rows=rows), target)
        assert "Some" not in other.verdict
        assert "overfitting" not in {finding.name for finding in other.findings}


def test_the_worst_comes_first_and_names_the_verdict(make: SimpleNamespace) -> None:
    rows = make.split_rows()
    next(row for row in rows if row["split"] == "test")["sha256"] = rows[0]["sha256"]
    found = diagnose(make.run_of(0.99, 0.80, rows=rows))
    assert [finding.name for finding in found.findings][:2] == ["copies across splits", "overfitting"]
    assert found.verdict.startswith("Copies across splits: 1 equal files in two splits")
    assert [finding.name for finding in found.worse_than("error")] == ["copies across splits"]


@pytest.mark.parametrize(
    ("curves", "text"),
    [
        (
            {"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]},
            "Insufficient evidence: 2 epochs; no training accuracy",
        ),
        ({"loss": np.linspace(1, 0.5, 30)}, "no training accuracy, validation loss, validation accuracy"),
        ({"val_accuracy": [0.5, 0.6]}, "Insufficient evidence: 2 epochs; no training loss"),
    ],
)
def test_too_little_is_said_to_be_too_little(make: SimpleNamespace, curves: dict, text: str) -> None:
    found = diagnose(make.log_of(**curves))
    assert text in found.verdict
    assert [finding.name for finding in found.findings if finding.severity != "info"] == []
    assert dict(found.unjudged)


def test_losses_alone_allow_no_praise(make: SimpleNamespace) -> None:
    found = diagnose(make.log_of(loss=make.fall(1, 0.2), val_loss=make.fall(1, 0.25)))
    assert (
        found.verdict == "Nothing wrong is to be seen in the losses; without accuracies no more can be said."
    )


def test_the_document_is_json_even_of_nan(make: SimpleNamespace) -> None:
    document = diagnose(make.log_of(loss=[1.0, float("nan")], val_loss=[1.0, float("inf")])).to_json()
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again["curves"]["loss"] == {"at": [1.0, 2.0], "values": [1.0, None]}
    assert again["findings"][0]["name"] == "loss exploded"
    assert again["missing"] == ["training accuracy", "validation accuracy"]


def finding(name: str, severity: Severity = "warning") -> Finding:
    return Finding(name, severity, "high", ("seen",), "", "", ("seed=1",))


def test_causes_stand_before_what_they_explain() -> None:
    found = rank(
        [
            finding("accuracy at chance", "error"),
            finding("class imbalance"),
            finding("learning rate too low"),
            finding("spikes", "info"),
        ]
    )
    assert [f.name for f in found] == [
        "class imbalance",
        "learning rate too low",
        "accuracy at chance",
        "spikes",
    ]
    assert [f.confidence for f in found] == ["high", "high", "low", "high"]
    assert [f.overrides for f in found] == [("seed=1",), ("seed=1",), (), ("seed=1",)]


def test_what_nothing_explains_goes_by_its_severity() -> None:
    found = rank([finding("underfitting"), finding("spikes", "info"), finding("accuracy at chance", "error")])
    assert [f.name for f in found] == ["accuracy at chance", "underfitting", "spikes"]
    remark = rank([finding("underfitting"), finding("learning rate too low", "info")])
    assert [f.confidence for f in remark] == ["high", "high"]  # a remark explains nothing
    # and a remark that is explained has no remedy either
    _, explained = rank([finding("accuracy at chance", "error"), finding("overfitting", "info")])
    assert (explained.confidence, explained.overrides) == ("low", ())


def test_a_verdict_counts_epochs_and_not_entries(make: SimpleNamespace) -> None:
    logged = make.log_of(loss=[1.0] * 4, val_loss=[1.0])
    curve = type(logged.curves["loss"])((0.5, 1.0, 1.5, 2.0), (1.0, 0.9, 0.8, 0.7))
    record = Record("log", "log", {"loss": curve})
    assert diagnose(record).verdict.startswith("Insufficient evidence: 2 epochs;")
    stepped = Record("log", "log", {"loss": curve}, clock="step")
    assert diagnose(stepped).verdict.startswith("Insufficient evidence: 4 values up to step 2;")
