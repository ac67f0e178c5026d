"""The table as a whole."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlpractice.diagnosis import rule_table, rules
from dlpractice.diagnosis.rule import NEEDS
from dlpractice.diagnosis.rule_table import EXPLAINED_BY, RULES

NEW_RULE = """
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rule import UNTRAINED, Rule

def see_one_epoch(case):
    return Sign("warning", "high", ("one epoch",)) if len(case.record.curves["loss"]) == 1 else None

RULES = (
    Rule(
        name="one epoch",
        finds="There is one epoch only.",
        needs=("training loss",),
        causes="haste",
        remedy="more epochs",
        look=see_one_epoch,
        importance=1005,
        explained_by=(UNTRAINED, "spikes"),
    ),
)
"""


def test_every_rule_says_what_it_is() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names) > 25
    importance = [rule.importance for rule in RULES]
    assert sorted(set(importance), reverse=True) == importance
    for rule in RULES:
        assert rule.finds.endswith(".")
        assert rule.needs
        assert set(rule.needs) <= NEEDS.keys()
        assert rule.causes
        assert rule.remedy
        assert all(threshold.source for threshold in rule.thresholds)


def test_explanations_are_findings_and_go_in_no_circle() -> None:
    names = {rule.name for rule in RULES}
    assert {*EXPLAINED_BY, *(name for causes in EXPLAINED_BY.values() for name in causes)} <= names

    def causes_of(name: str, path: tuple[str, ...] = ()) -> None:
        assert name not in path, (*path, name)
        for cause in EXPLAINED_BY.get(name, ()):
            causes_of(cause, (*path, name))

    for name in EXPLAINED_BY:
        causes_of(name)


def test_what_stops_the_training_explains_what_says_so() -> None:
    stopping = {rule.name for rule in RULES if rule.stops_training}
    assert {"loss exploded", "learning rate too low"} <= stopping
    assert stopping < set(EXPLAINED_BY["underfitting"])
    assert EXPLAINED_BY["class shift"] == ("class imbalance",)


def test_a_new_row_is_all_that_a_new_rule_takes(
    make: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "haste.py").write_text(NEW_RULE)
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    for name in (rule_table.__name__, "dlpractice.diagnosis.verdict"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from dlpractice.diagnosis.verdict import diagnose

    try:
        found = diagnose(make.log_of(loss=[float("nan")])).findings
        assert [(one.name, one.confidence) for one in found] == [
            ("loss exploded", "high"),
            ("one epoch", "low"),
        ]
        assert diagnose(make.log_of(loss=[0.5])).verdict == "One epoch: one epoch."
    finally:
        sys.modules.pop(f"{rules.__name__}.haste")
