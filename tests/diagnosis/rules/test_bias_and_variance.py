"""Bias and variance: gaps, rises and targets that are known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import bias_and_variance as rules


def valley(lowest: float, end: float, epochs: int = 60) -> np.ndarray:
    """A loss that falls from 1 to `lowest` in the middle and ends at `end`."""
    half = epochs // 2
    return np.concatenate([np.linspace(1, lowest, half), np.linspace(lowest, end, epochs - half)])


@pytest.mark.parametrize(("end", "found"), [(0.8, True), (0.56, True), (0.51, False), (0.5, False)])
def test_a_rising_validation_loss(make: SimpleNamespace, end: float, found: bool) -> None:
    noise = np.random.default_rng(0).normal(0, 0.003, 60)
    record = make.log_of(loss=np.linspace(1, 0.1, 60), val_loss=valley(0.5, end) + noise)
    assert (rules.see_overfitting(open_case(record)) is not None) == found


def test_a_rise_within_noise_is_none(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(1)
    seen = [
        rules.rising_loss(
            open_case(make.log_of(loss=np.linspace(1, 0.1, 60), val_loss=valley(0.5, 0.5) + noise))
        )
        for noise in rng.normal(0, 0.1, (100, 60))
    ]
    assert sum(change is not None for change in seen) <= 5


def test_when_both_losses_rise_it_is_no_overfitting(make: SimpleNamespace) -> None:
    record = make.log_of(loss=valley(0.4, 0.9), val_loss=valley(0.5, 0.9))
    assert rules.see_overfitting(open_case(record)) is None


def test_a_gap_counts_when_its_interval_is_clear_of_noise(make: SimpleNamespace) -> None:
    sign = rules.see_overfitting(open_case(make.run_of(0.99, 0.85)))
    assert sign.severity == "warning"
    assert "training error 1.0%, validation error 15.0%" in sign.evidence[0]
    few = make.split_rows(train=20, validation=20)
    assert rules.see_overfitting(open_case(make.run_of(0.99, 0.85, rows=few))) is None
    assert rules.see_overfitting(open_case(make.run_of(0.99, 0.97))) is None


def test_a_rising_loss_with_an_accuracy_that_holds_is_a_remark(make: SimpleNamespace) -> None:
    curves = {"loss": np.linspace(1, 0.1, 60), "val_loss": valley(0.2, 0.3)}
    curves |= {"accuracy": np.linspace(0.5, 0.99, 60), "val_accuracy": np.linspace(0.5, 0.98, 60)}
    assert rules.see_overfitting(open_case(make.run_of(curves=curves))).severity == "info"


def test_underfitting_is_measured_against_the_target(make: SimpleNamespace) -> None:
    record = make.run_of(0.88, 0.87)
    assert rules.see_underfitting(open_case(record, 0.01)).confidence == "high"
    assert rules.see_underfitting(open_case(record, 0.10)) is None
    assert rules.see_underfitting(open_case(record)) is None  # 12 % may be all that can be had
    sign = rules.see_underfitting(open_case(make.run_of(0.7, 0.69)))
    assert "what could be reached is not known" in sign.evidence[0]


def test_without_a_target_an_error_is_no_bias_unless_it_is_near_guessing(make: SimpleNamespace) -> None:
    ten = make.split_rows(classes=10)
    assert rules.see_underfitting(open_case(make.run_of(0.7, 0.69, rows=ten))) is None
    assert rules.see_underfitting(open_case(make.run_of(0.45, 0.44, rows=ten))).confidence == "low"
    log = {"loss": np.full(20, 0.77), "accuracy": np.full(20, 0.74), "val_accuracy": np.full(20, 0.78)}
    assert rules.see_underfitting(open_case(make.log_of(**log))) is None


def test_a_few_steps_are_no_underfitting(make: SimpleNamespace) -> None:
    for steps, brief in ((8, True), (299, True), (300, False), (None, False)):
        case = open_case(replace(make.run_of(0.8, 0.79), steps=steps), 0.01)
        assert (rules.see_brevity(case) is not None) == brief
        assert (rules.see_underfitting(case) is None) == brief
    sign = rules.see_brevity(open_case(replace(make.run_of(0.8, 0.79), steps=100), 0.01))
    assert sign.overrides == ("training.epochs=90",)
    assert "100 optimiser steps" in sign.evidence[0]
    assert rules.see_brevity(open_case(replace(make.run_of(0.995, 0.99), steps=8), 0.01)) is None


def test_more_training_comes_before_more_model(make: SimpleNamespace) -> None:
    falling = {"loss": np.linspace(2.3, 1.2, 30), "val_loss": np.linspace(2.3, 1.3, 30)}
    sign = rules.see_underfitting(open_case(make.run_of(0.6, 0.59, curves=falling), 0.01))
    assert "still falls" in sign.evidence[-1]
    assert (sign.overrides, sign.confidence) == (("training.epochs=60",), "medium")
    assert sign.remedy.startswith("more epochs first")
    level = {"loss": np.full(30, 1.2), "val_loss": np.full(30, 1.3)}
    sign = rules.see_underfitting(open_case(make.run_of(0.6, 0.59, curves=level), 0.01))
    assert (sign.overrides, sign.remedy) == (("model.width=2",), "a larger model")


def test_a_rise_counts_against_what_training_gained(make: SimpleNamespace) -> None:
    train = make.fall(1.0, 0.0, 40)
    for rise, found in ((0.03, False), (0.06, True)):
        val = np.r_[make.fall(1.0, 0.3, 20), np.linspace(0.3, 0.3 + rise, 20)]
        for constant in (0.0, -5.0, 50.0):
            case = open_case(make.log_of(loss=train + constant, val_loss=val + constant))
            assert (rules.rising_loss(case) is not None) == found


def test_the_larger_of_bias_and_variance_is_named(make: SimpleNamespace) -> None:
    case = open_case(make.run_of(0.80, 0.70), 0.0)
    assert rules.see_underfitting(case) is not None
    assert rules.see_overfitting(case) is None
    case = open_case(make.run_of(0.90, 0.70), 0.0)
    assert rules.see_underfitting(case) is None
    assert rules.see_overfitting(case) is not None


def test_dropout(make: SimpleNamespace) -> None:
    heavy = {"model": {"dropout": 0.9}}
    assert rules.see_dropout(open_case(make.run_of(0.8, 0.8, config=heavy))).overrides == (
        "model.dropout=0.2",
    )
    assert rules.see_dropout(open_case(make.run_of(0.99, 0.99, config=heavy))) is None
    assert rules.see_dropout(open_case(make.run_of(0.8, 0.8))) is None
    accuracy = np.linspace(0.5, 0.8, 10)
    log = make.log_of(loss=1 - accuracy, accuracy=accuracy, val_accuracy=accuracy)
    for rate, found in ((0.9, True), (0.2, False)):
        case = open_case(replace(log, diagnostics={"start": {"classes": 2, "dropout": rate}}))
        assert (rules.see_dropout(case) is not None) == found
