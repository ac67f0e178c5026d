"""The table as a whole."""

from dlpractice.diagnosis.rules.rule import NEEDS
from dlpractice.diagnosis.rules.table import EXPLAINED_BY, RULES


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


def test_explanations_are_findings_and_go_in_no_circle() -> None:
    names = {rule.name for rule in RULES}
    assert {*EXPLAINED_BY, *(name for causes in EXPLAINED_BY.values() for name in causes)} <= names

    def causes_of(name: str, path: tuple[str, ...] = ()) -> None:
        assert name not in path, (*path, name)
        for cause in EXPLAINED_BY.get(name, ()):
            causes_of(cause, (*path, name))

    for name in EXPLAINED_BY:
        causes_of(name)
