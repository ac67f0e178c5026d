"""When a trial is given up, against a rule written out by hand."""

import math

import numpy as np
import pytest

from dlpractice.recipes.finetune.search.halving import Validation, is_beaten, is_rung, score_epochs


def test_rungs() -> None:
    assert [epoch for epoch in range(1, 100) if is_rung(epoch)] == [3, 9, 27, 81]


def row(loss: float, accuracy: float) -> dict[str, float]:
    return {"val_loss": loss, "val_accuracy": accuracy}


def test_a_score_is_of_the_weights_that_would_be_kept() -> None:
    rows = [row(1.0, 0.9), row(0.5, 0.8), row(math.nan, 1.0), row(0.7, 0.95)]
    assert score_epochs(rows, 20) == pytest.approx(4 + 0.5 / 1.5)  # the lowest loss, though others err less
    assert score_epochs(rows[2:3], 20) == 20
    better = [score_epochs([row(loss, accuracy)], 20) for loss, accuracy in ((9.0, 0.95), (0.1, 0.9))]
    assert better[0] < better[1]  # errors come first
    assert score_epochs([row(1e9, 0.9)], 20) < 3


def test_only_a_third_goes_on_if_validation_can_tell() -> None:
    scores, exact = [5.5, 900.5, 800.5, 700.5, 600.5, 4.5], Validation(1000, 1000)
    given_up = [is_beaten(score, scores[:place], exact) for place, score in enumerate(scores)]
    assert given_up == [False, True, True, True, True, False]


def test_what_is_given_up_is_worse_than_the_best_by_more_than_noise() -> None:
    """Whatever the scores: two errors whose difference holds 0 by a plain z test of two shares are one."""
    rng = np.random.default_rng(0)
    count = 0
    for _ in range(300):
        n = int(rng.integers(10, 400))
        scores = rng.integers(0, n, size=8) + 0.5
        if is_beaten(scores[-1], scores[:-1].tolist(), Validation(n, n)):
            count += 1
            error, lowest = (int(score) / n for score in (scores[-1], scores.min()))
            spread = math.sqrt((error * (1 - error) + lowest * (1 - lowest)) / n)
            assert error - lowest > 1.5 * spread
    assert count > 50
    assert not is_beaten(3.5, [1.5, 0.5, 0.2], Validation(20, 20))
    assert is_beaten(60.5, [1.5, 0.5, 0.2], Validation(200, 200))
    assert not is_beaten(60.5, [1.5, 0.5, 0.2], Validation(200, 8))  # eight groups tell little
