import math

import pytest

from dlpractice.report.progress_display.stage import Stage


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_counting_images(clock: Clock) -> None:
    stage = Stage("decoding", 1000, "images", clock)
    assert (stage.fraction, stage.seconds_left, stage.trains) == (0.0, None, False)
    clock.now += 1
    stage.advance(100)
    assert stage.images_per_second() == pytest.approx(100)
    clock.now += 1
    stage.advance(300)
    assert (stage.done, stage.fraction, stage.seconds) == (400, 0.4, 2.0)
    # From the first report on: 300 in a second, and 600 are left.
    assert stage.seconds_left == pytest.approx(2.0)


def test_the_speed_follows_the_last_seconds(clock: Clock) -> None:
    stage = Stage("decoding", 10**6, "images", clock)
    for second in range(40):
        clock.now += 1
        stage.advance(10 if second < 20 else 1000)
        speed = stage.images_per_second()
        if second == 19:
            assert speed == pytest.approx(10)
    assert speed == pytest.approx(1000)


def test_other_units_have_no_image_speed(clock: Clock) -> None:
    stage = Stage("download", 100, "MB", clock)
    clock.now += 1
    stage.advance(5)
    assert stage.images_per_second() is None


def test_the_first_step_does_not_spoil_the_time_left(clock: Clock) -> None:
    """It builds the graph: 30 s here, against 1 s for each of the others."""
    stage = Stage("training head", 10, "epochs", clock)
    clock.now += 30
    stage.batch(1, 1, 4, 32)
    assert stage.seconds_left is None
    clock.now += 1
    stage.batch(1, 2, 4, 32)
    assert stage.fraction == pytest.approx(0.05)
    assert stage.seconds_left == pytest.approx(38)  # 40 steps, 2 done
    assert stage.images == 64


def test_a_resumed_stage_goes_by_its_own_pace(clock: Clock) -> None:
    stage = Stage("training head", 10, "epochs", clock)
    stage.batch(9, 1, 2, 32)  # eight epochs were done before
    clock.now += 3
    stage.batch(9, 2, 2, 32)
    assert stage.seconds_left == pytest.approx(6)


def test_the_best_epoch_is_the_one_that_training_keeps(clock: Clock) -> None:
    stage = Stage("training head", 4, "epochs", clock)
    scores = [(0.5, 0.8, True), (0.3, 0.7, False), (0.6, 0.9, True), (0.2, 0.6, False)]
    for epoch, (loss, accuracy, is_best) in enumerate(scores, 1):
        stage.epoch({"epoch": epoch, "val_loss": loss, "val_accuracy": accuracy}, is_best)
    assert (stage.best_epoch, stage.best_loss, stage.best_accuracy) == (3, 0.6, 0.9)


@pytest.mark.parametrize("row", [{}, {"val_loss": None}, {"val_loss": math.nan, "val_accuracy": math.nan}])
def test_scores_that_are_no_numbers_are_left_out(row: dict[str, object], clock: Clock) -> None:
    stage = Stage("training head", 3, "epochs", clock)
    stage.epoch(row, False)
    assert (stage.done, stage.best_epoch) == (1, 0)
    stage.epoch(row, True)
    assert (stage.best_epoch, stage.best_loss, stage.best_accuracy) == (2, None, None)


def test_fraction_stays_within_0_and_1(clock: Clock) -> None:
    stage = Stage("decoding", 2, "images", clock)
    stage.advance(5)
    assert stage.fraction == 1
    assert Stage("decoding", 0, "images", clock).fraction == 1
