"""Rules about the learning rate, on curves whose fault is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import learning_rate as rules


def test_a_healthy_run_is_left_alone(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        losses = make.fall(2.3, 0.1) * (1 + rng.normal(0, 0.05, 30))
        case = open_case(make.run_of(curves={"loss": losses, "val_loss": losses + 0.05}))
        assert [rule.name for rule in rules.RULES if rule.judge(case)] == [], seed


def test_a_rate_that_is_too_high(make: SimpleNamespace) -> None:
    rising = np.concatenate([make.fall(2.3, 1.0, 10), np.linspace(1.0, 4.0, 20)])
    assert "rose from 1" in rules.see_high_rate(open_case(make.log_of(loss=rising))).evidence[0]
    swinging = np.where(np.arange(40) % 2, 0.5, 2.0)
    logged = make.log_of(loss=swinging, val_loss=swinging)
    leaps = "19 times it leapt from one epoch to the next, most from 0.5 to 2 at epoch 3"
    assert rules.see_high_rate(open_case(logged)).evidence[0].startswith(leaps)
    batches = make.log_of(loss=swinging, val_loss=[0.9, 0.8, 0.7, 0.6, 0.5])
    assert rules.see_high_rate(open_case(batches)) is None
    stuck = make.run_of(
        config={"training": {"learning_rate": 0.1}},
        curves={"loss": np.full(30, 2.3), "learning_rate": np.full(30, 0.1)},
    )
    sign = rules.see_high_rate(open_case(stuck))
    assert "above the usual" in sign.evidence[0]
    assert sign.overrides == ("training.learning_rate=1e-3",)


def test_a_high_rate_that_works_is_no_fault(make: SimpleNamespace) -> None:
    fine = make.run_of(curves={"loss": make.fall(2.3, 0.1), "learning_rate": np.full(30, 0.1)})
    assert rules.see_high_rate(open_case(fine)) is None


def test_a_rate_that_is_too_low(make: SimpleNamespace) -> None:
    crawling = np.linspace(2.303, 2.25, 30)
    assert "it is on its way" in rules.see_low_rate(open_case(make.log_of(loss=crawling))).evidence[1]
    tiny = make.run_of(
        config={"training": {"learning_rate": 1e-6}},
        curves={"loss": make.fall(2.303, 2.29), "learning_rate": np.full(30, 1e-6)},
    )
    sign = rules.see_low_rate(open_case(tiny))
    assert sign.confidence == "high"
    assert sign.overrides == ("training.learning_rate=1e-3",)
    assert rules.see_low_rate(open_case(make.log_of(loss=np.full(30, 0.69)))) is None


def test_one_shot_losses_that_cannot_fall_far_are_judged_by_the_error(make: SimpleNamespace) -> None:
    """The cross-entropy of 20 similarities in -4..0 falls from 2.6 to 2.3 while two in three errors go."""
    losses = np.linspace(2.6, 2.3, 30)
    for command, last, found in (("finetune", 0.9, True), ("oneshot", 0.9, False), ("oneshot", 0.72, True)):
        curves = {"loss": losses, "accuracy": np.linspace(0.7, last, 30)}
        record = make.run_of(config={"command": command}, curves=curves)
        assert (rules.see_low_rate(open_case(record)) is not None) == found
    assert (
        "error on training tasks went from 0.3 to 0.28" in rules.see_low_rate(open_case(record)).evidence[0]
    )


def test_a_rise_in_mid_training_that_a_schedule_mends(make: SimpleNamespace) -> None:
    losses = np.concatenate(
        [make.fall(2.3, 0.2, 10), np.linspace(0.2, 3.0, 10), np.geomspace(3.0, 0.001, 20)]
    )
    rates = np.linspace(0.3, 0, 40)
    sign = rules.see_high_rate(open_case(make.run_of(curves={"loss": losses, "learning_rate": rates})))
    assert sign.confidence == "high"
    assert "at epoch 20" in sign.evidence[0]


def test_a_loss_near_zero_may_rise_manifold(make: SimpleNamespace) -> None:
    """Weight decay pulls a loss of 0.003 up to 0.01, where guessing costs 0.69."""
    losses = np.concatenate([[0.015], np.full(5, 0.003), np.linspace(0.003, 0.01, 24)])
    assert rules.see_high_rate(open_case(make.run_of(curves={"loss": losses}))) is None
    assert rules.see_high_rate(open_case(make.log_of(loss=losses))) is not None  # of what, nobody says


def test_a_huge_loss_of_a_log_that_came_down_to_nothing_better(make: SimpleNamespace) -> None:
    """As of Keras's Adam with a rate of 1: nothing is known of the classes."""
    loss = np.r_[1507.0, 78.2, 89.6, np.full(37, 0.708)]
    accuracy = np.r_[0.53, 0.486, 0.529, np.full(37, 0.499)]
    sign = rules.see_high_rate(open_case(make.log_of(loss=loss, val_loss=loss, accuracy=accuracy)))
    assert sign.evidence == ("the training loss is 1.51e+03 at epoch 1; guessing costs 0.693",)
    # The sum over a batch, which is learnt.
    learnt = make.log_of(loss=loss, val_loss=loss, accuracy=np.linspace(0.5, 0.95, 40))
    assert rules.see_high_rate(open_case(learnt)) is None


def test_a_loss_that_leaps_far_beyond_guessing_and_recovers(make: SimpleNamespace) -> None:
    losses = np.concatenate([[279.0, 10.4], make.fall(1.1, 0.002, 28)])
    sign = rules.see_high_rate(open_case(make.run_of(curves={"loss": losses})))
    assert sign.evidence == ("the training loss is 279 at epoch 1; guessing costs 0.693",)
    assert rules.see_high_rate(open_case(make.log_of(loss=losses))) is None  # of any task, in any unit


@pytest.mark.parametrize(("before", "found"), [(1.0, True), (10.0, False), (None, False)])
def test_a_loss_that_leaps_with_the_first_steps(
    make: SimpleNamespace, before: float | None, found: bool
) -> None:
    record = replace(make.log_of(loss=make.fall(9.0, 8.0)), diagnostics={"start": {"loss": before}})
    assert (rules.see_high_rate(open_case(record)) is not None) == found
