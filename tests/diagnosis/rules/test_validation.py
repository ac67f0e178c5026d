"""Rules about what validation says."""

from types import SimpleNamespace

import numpy as np

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules import validation as rules


def test_chance(make: SimpleNamespace) -> None:
    sign = rules.see_chance(open_case(make.run_of(0.51, 0.50)))
    assert sign.evidence[1].endswith("nothing was learnt there either")
    assert rules.see_chance(open_case(make.run_of(0.99, 0.50))).evidence[1].endswith("learnt by heart")
    assert rules.see_chance(open_case(make.run_of(0.7, 0.65))) is None
    ten = make.split_rows(classes=10)
    assert rules.see_chance(open_case(make.run_of(0.11, 0.10, rows=ten))) is not None
    few = make.split_rows(validation=12)
    assert rules.see_chance(open_case(make.run_of(0.6, 0.5, rows=few))) is None


def test_validation_above_training(make: SimpleNamespace) -> None:
    assert rules.see_validation_above_training(open_case(make.run_of(0.90, 0.97))).severity == "warning"
    assert rules.see_validation_above_training(open_case(make.run_of(0.96, 0.97))) is None
    log = make.log_of(accuracy=np.linspace(0.5, 0.8, 40), val_accuracy=np.linspace(0.6, 0.9, 40))
    sign = rules.see_validation_above_training(open_case(log))
    assert sign.severity == "info"
    assert "dropout" in sign.evidence[1]


def test_late_variance(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    calm = make.fall(1, 0.4, 60) + rng.normal(0, 0.01, 60)
    assert rules.see_late_variance(open_case(make.log_of(val_loss=calm))) is None
    calm[40:] += rng.normal(0, 0.2, 20)
    assert rules.see_late_variance(open_case(make.log_of(val_loss=calm))).severity == "info"
