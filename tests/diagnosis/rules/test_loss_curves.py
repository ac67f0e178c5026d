"""Rules about the losses, on curves whose fault is known."""

from types import SimpleNamespace

import numpy as np

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import loss_curves as rules


def test_a_healthy_run_is_left_alone(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        losses = make.fall(2.3, 0.1) * (1 + rng.normal(0, 0.05, 30))
        case = open_case(make.run_of(curves={"loss": losses, "val_loss": losses + 0.05}))
        assert [rule.name for rule in rules.RULES if rule.judge(case)] == [], seed


def test_losses_that_are_no_numbers(make: SimpleNamespace) -> None:
    sign = rules.see_explosion(open_case(make.log_of(loss=[0.7, float("nan")])))
    assert sign.severity == "error"
    assert sign.evidence == ("loss is nan at epoch 2 of 2",)
    assert "inf" in rules.see_explosion(open_case(make.log_of(loss=[1], val_loss=[float("inf")]))).evidence[0]


def test_a_loss_far_beyond_guessing(make: SimpleNamespace) -> None:
    sign = rules.see_explosion(open_case(make.run_of(curves={"loss": [0.7, 2e6, 3e6]})))
    assert "guessing costs 0.693" in sign.evidence[0]
    assert sign.overrides == ("training.learning_rate=0.0001",)


def test_a_loss_that_never_moves(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    still = make.log_of(loss=2.3 + rng.normal(0, 0.1, 8), val_loss=[2.31] * 8)  # dropout moves training's
    sign = rules.see_standstill(open_case(still))
    assert (sign.severity, sign.curve) == ("error", "val_loss")
    assert "2.31 after each of 8 epochs" in sign.evidence[0]
    assert rules.see_standstill(open_case(make.log_of(loss=[0.7] * 5))).curve == "loss"
    crawling = make.log_of(loss=2.3 - 1e-4 * np.arange(8))
    learnt = make.log_of(loss=[0.0] * 8)
    short = make.log_of(loss=[0.7] * 2)
    assert not any(rules.see_standstill(open_case(record)) for record in (crawling, learnt, short))


def test_steps_that_move_nothing_under_a_loss_that_normalisation_moves(make: SimpleNamespace) -> None:
    for ratio, found in ((0.0, True), (1e-9, False)):
        layers = [{"name": "conv", "trained": True, "update_ratio": 0.0}]
        layers += [{"name": "dense", "trained": True, "update_ratio": ratio}]
        epochs = [{"epoch": epoch, "layers": layers} for epoch in (1, 2, 3)]
        sign = rules.see_standstill(open_case(make.run_of(diagnostics={"epochs": epochs})))
        assert (sign is not None) == found
        assert sign is None or "in none of 2 epochs" in sign.evidence[0]


def test_a_run_that_ends_too_early(make: SimpleNamespace) -> None:
    sign = rules.see_unfinished(open_case(make.run_of(curves={"val_loss": np.linspace(2, 1, 30)})))
    assert (sign.severity, sign.overrides) == ("info", ("training.epochs=60",))
    assert rules.see_unfinished(open_case(make.run_of())) is None


def test_spikes(make: SimpleNamespace) -> None:
    losses = make.fall(2.3, 0.5)
    losses[20] = 9
    sign = rules.see_spikes(open_case(make.log_of(loss=losses)))
    assert sign.evidence == ("the training loss stands far above its neighbours once at epoch 21: 9",)
