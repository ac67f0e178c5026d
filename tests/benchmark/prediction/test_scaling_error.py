"""The score of the predictor: rows take no part in their own prediction, and errors are what they say."""

from dataclasses import replace

import pytest

from dlpractice.benchmark.prediction.published_scaling import PUBLISHED_TABLES, PublishedTable
from dlpractice.benchmark.prediction.scaling import Constants
from dlpractice.benchmark.prediction.scaling_error import fit_constants, predict_efficiency, score


def made_by(constants: Constants) -> list[PublishedTable]:
    """The published tables with efficiencies that the model itself predicts."""
    return [
        replace(
            table,
            efficiencies={
                devices: predict_efficiency(table, devices, constants).point for devices in table.efficiencies
            },
        )
        for table in PUBLISHED_TABLES
    ]


def test_the_fit_finds_the_constants_that_made_the_tables() -> None:
    truth = Constants(overlap=0.3, device_seconds=0.0025)
    assert fit_constants(made_by(truth)) == truth


def test_a_table_has_no_part_in_its_own_prediction() -> None:
    *others, last = PUBLISHED_TABLES
    absurd = replace(last, efficiencies=dict.fromkeys(last.efficiencies, 0.01))
    honest, changed = (score([*others, table]).rows[-1] for table in (last, absurd))
    assert honest.predicted == changed.predicted
    assert honest.constants == fit_constants(others)
    assert changed.error > 0.5


def test_published_rows_are_predicted_within_five_points_in_the_median() -> None:
    scores = score(PUBLISHED_TABLES)
    assert len(scores.rows) == 37
    errors = sorted(100 * abs(row.predicted.point - row.measured) for row in scores.rows)
    assert scores.fitted.median == pytest.approx(errors[18])
    assert scores.fitted.mean == pytest.approx(sum(errors) / 37)
    assert scores.fitted.median < 5
    assert scores.unfitted.median < 5
    assert scores.fitted.mean < scores.usual.mean < scores.linear.mean


def test_a_point_lies_in_its_interval() -> None:
    for row in score(PUBLISHED_TABLES).rows:
        assert row.predicted.low <= row.predicted.point <= row.predicted.high <= 1


def test_one_table_alone_cannot_be_predicted() -> None:
    with pytest.raises(ValueError, match="another"):
        score(PUBLISHED_TABLES[:1])
