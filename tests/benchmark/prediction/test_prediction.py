"""The parts of `dlp benchmark` about several devices."""

import json
from statistics import median

import keras
import pytest
from keras import layers

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.measurement import NetRow
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.models.graphs import read_graph
from dlpractice.benchmark.prediction.prediction import describe_net, find_single_rate, predict, validate
from dlpractice.config.sections.benchmark import Prediction as Section
from dlpractice.errors import HardwareError
from dlpractice.progress import Silent


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


FIELDS = NetRow("siamese", "training").fields(8)
ROW = {"name": "models/siamese/training/float32/8", "value": 100.0, "unit": "images/s", **FIELDS}


def context(*rows: dict[str, object]) -> Context:
    return Context(Sampling(5), MemoryBudget(0.5), Silent(), 0, {"models": {"rows": list(rows)}})


def test_prediction_without_a_measured_rate_says_so() -> None:
    inference = {**ROW, "work": "inference"}
    unmeasured = {**ROW, "value": None}
    (row,) = predict(Section(model="siamese"), context(inference, unmeasured))["rows"]
    assert row["value"] is None
    assert "part models" in row["why"]


def test_the_rate_of_the_same_batch_is_preferred() -> None:
    faster = {**ROW, "batch": 16, "value": 120.0}
    for batch, expected in ((8, 100.0), (32, 120.0)):
        found = find_single_rate(Section(model="siamese", batch_size=batch), context(ROW, faster))
        assert found is not None
        assert found["value"] == expected


def test_prediction_for_every_method_and_number_of_devices() -> None:
    section = Section(model="siamese", batch_size=8, devices=(1, 2, 4), interconnect="pcie3")
    document = json.loads(json.dumps(predict(section, context(ROW)), allow_nan=False))
    rows = {(row["method"], row["devices"]): row for row in document["rows"]}
    assert len(rows) == 9
    for row in rows.values():
        assert row["kind"] == "predicted"
        assert row["interval"][0] <= row["value"] <= row["interval"][1]
        assert row["value"] <= 100.0 * row["devices"] * 1.0001
    for method in ("data", "layers", "channels"):
        assert rows[method, 1]["value"] == pytest.approx(100.0)
    assert document["best"]["4"] == "data"


def test_an_unknown_interconnect_is_refused() -> None:
    with pytest.raises(HardwareError, match="carrier pigeon"):
        predict(Section(interconnect="carrier pigeon"), context(ROW))


def test_a_net_is_described_by_its_graph() -> None:
    inputs = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 3)(inputs)
    net = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    described = describe_net(read_graph(net), 2)
    assert described.gradient_bytes == 4 * ((9 + 1) * 2 + (8 + 1) * 3)
    assert described.channel_bytes == (4 * 8, 4 * 3)
    assert described.cut_bytes == (4 * 8,)
    assert described.activation_bytes == 4 * (16 + 8 + 8 + 3)
    # A multiplication and an addition for each weight, and the biases; flattening computes nothing.
    operations = (2 * 9 * 2 * 4 + 8, 0, 2 * 8 * 3 + 3)
    share = operations[0] / sum(operations)
    assert described.stage_shares == pytest.approx((share, 1 - share))
