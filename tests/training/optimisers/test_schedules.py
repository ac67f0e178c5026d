"""Schedules against their formulas written out naively."""

import math

import pytest

from dlpractice.training.optimisers.schedules import Plateau, Schedule


def test_cosine_falls_from_one_to_zero() -> None:
    schedule = Schedule("cosine", 10)
    wanted = [0.5 + 0.5 * math.cos(math.pi * step / 10) for step in range(10)]
    assert [schedule.factor(step) for step in range(10)] == pytest.approx(wanted)
    assert schedule.factor(0) == 1 and schedule.factor(9) > 0
    assert schedule.factor(10) == schedule.factor(1000) == pytest.approx(0)


@pytest.mark.parametrize("shape", ["constant", "plateau"])
def test_the_others_stay_where_they_are(shape: str) -> None:
    assert {Schedule(shape, 10).factor(step) for step in range(20)} == {1.0}  # type: ignore[arg-type]


def test_warm_up_rises_in_equal_steps_and_meets_the_shape() -> None:
    for shape in ("constant", "plateau", "cosine"):
        schedule = Schedule(shape, 12, 4)
        assert [schedule.factor(step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    wanted = [0.5 + 0.5 * math.cos(math.pi * done / 8) for done in range(8)]
    assert [Schedule("cosine", 12, 4).factor(step) for step in range(4, 12)] == pytest.approx(wanted)


def test_warm_up_as_long_as_training_only_rises() -> None:
    factors = [Schedule("cosine", 5, 50).factor(step) for step in range(5)]
    assert factors == pytest.approx([step / 51 for step in range(1, 6)])


def test_plateau_waits_five_epochs_each_time() -> None:
    plateau, factors = Plateau(), []
    for improved in [True, *[False] * 4, True, *[False] * 10]:
        plateau.update(improved=improved)
        factors.append(round(plateau.factor, 6))
    assert factors == [1.0] * 10 + [0.3] * 5 + [0.09]
    assert plateau.waited == 0


def test_plateau_goes_on_from_what_was_saved() -> None:
    plateau = Plateau(0.3, 4)
    plateau.update(improved=False)
    assert plateau.factor == pytest.approx(0.09)
