"""The parts of `dlp benchmark` about several devices."""

import json
from statistics import median

import pytest

from dlpractice.recipes.benchmark_parallel import validate


def test_validation_is_one_json_document_with_every_published_row() -> None:
    document = json.loads(json.dumps(validate(), allow_nan=False))
    rows = document["rows"]
    assert len(rows) == document["n"] == 37
    assert len({row["name"] for row in rows}) == 37
    errors = [abs(row["error_points"]) for row in rows]
    assert document["median_absolute_error_points"] == pytest.approx(median(errors))
    for row in rows:
        assert row["source"]
        assert row["error_points"] == pytest.approx(100 * (row["predicted"]["point"] - row["measured"]))
    assert document["inside_interval"] == sum(row["inside_interval"] for row in rows)
    assert document["errors"]["linear scaling"]["mean"] > document["mean_absolute_error_points"]
