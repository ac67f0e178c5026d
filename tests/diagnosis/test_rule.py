"""A rule is asked only where its needs are there."""

from dataclasses import replace
from types import SimpleNamespace

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.rule import RECORDED, Rule


def make_rule(needs: tuple[str, ...], sign: Sign | None) -> Rule:
    return Rule(
        name="name",
        finds="finds",
        needs=needs,
        causes="causes",
        remedy="remedy",
        look=lambda case: sign,
        importance=1,
    )


def test_needs_and_judgement(make: SimpleNamespace) -> None:
    sign = Sign("info", "low", ("seen",), ("seed=1",), "loss", ("a.png",))
    rule = make_rule(("training loss", "splits.csv"), sign)
    assert rule.lacks(open_case(make.log_of(val_loss=[1.0]))) == ("training loss", "splits.csv")
    assert rule.lacks(open_case(make.run_of())) == ()
    assert rule.applies(open_case(make.run_of()))
    finding = rule.judge(open_case(make.run_of()))
    assert finding is not None
    assert (finding.name, finding.causes, finding.remedy, finding.paths) == (
        "name",
        "causes",
        "remedy",
        ("a.png",),
    )


def test_a_rule_about_the_other_kind_of_run_does_not_apply(make: SimpleNamespace) -> None:
    rule = make_rule(("a one-shot run",), None)
    assert not rule.applies(open_case(make.run_of()))
    assert rule.applies(open_case(make.run_of(config={"command": "oneshot"})))
    assert not rule.applies(open_case(make.log_of(loss=[1.0])))  # only a run of ours can be known for one


def test_a_training_of_others_may_have_recorded_its_net(make: SimpleNamespace) -> None:
    log = make.log_of(loss=[1.0])
    recorded = make_rule((RECORDED,), None)
    assert not recorded.applies(open_case(log))
    assert recorded.applies(open_case(replace(log, diagnostics={})))
    classes = make_rule(("a classification",), None)
    assert not classes.applies(open_case(replace(log, diagnostics={})))
    assert classes.applies(open_case(replace(log, diagnostics={"start": {"classes": 3}})))
    assert classes.applies(open_case(make.run_of()))
    assert open_case(replace(log, diagnostics={"start": {"classes": 3}})).classes == 3
