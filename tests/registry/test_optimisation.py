"""Optimisers are those of Keras that their rows name."""

import keras
import pytest

from dlpractice.config.sections.finetune import Training
from dlpractice.registry.optimisation import OPTIMISERS, SCHEDULES
from dlpractice.training.optimisers.schedules import Schedule


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_row_builds_what_it_is_called(name: str) -> None:
    built = OPTIMISERS[name].build(0.25)
    assert type(built).__name__.lower() == name
    assert built.weight_decay == 0.25
    assert Training(optimizer=name, learning_rate=float(OPTIMISERS[name].usual_rate)).optimizer == name


def test_sgd_has_nesterov_momentum() -> None:
    built = OPTIMISERS["sgd"].build(0.0)
    assert isinstance(built, keras.optimizers.SGD)
    assert (built.momentum, built.nesterov) == (0.9, True)


def test_only_the_cosine_falls_by_itself() -> None:
    last = {name: Schedule(name, 100).factor(99) for name in SCHEDULES}
    assert last.pop("cosine") < 0.001
    assert set(last.values()) == {1.0}
