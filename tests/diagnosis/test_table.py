"""The table as a whole."""

from dlpractice.diagnosis.rule import NEEDS
from dlpractice.diagnosis.table import RULES


def test_every_rule_says_what_it_is() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names) > 25
    for rule in RULES:
        assert rule.finds.endswith(".")
        assert rule.needs
        assert set(rule.needs) <= NEEDS.keys()
        assert rule.causes
        assert rule.remedy
        assert all(threshold.source for threshold in rule.thresholds)
