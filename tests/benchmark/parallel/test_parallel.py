"""The parts about several devices on a machine without a GPU."""

import json

import pytest

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.parallel import parallel
from dlpractice.benchmark.parallel.parallel import measure_data_parallel, measure_model_parallel
from dlpractice.config.sections.benchmark import DataParallel, ModelParallel
from dlpractice.progress import Silent

CONTEXT = Context(Sampling(5), MemoryBudget(0.5), Silent(), 0)


def test_data_parallel_without_gpus() -> None:
    document = json.loads(
        json.dumps(measure_data_parallel(DataParallel(batch_size=2), CONTEXT), allow_nan=False)
    )
    (row,) = document["rows"]
    assert row["value"] is None
    assert row["why"] == "this machine has no GPUs"
    logical = document["logical"]
    assert logical["devices"] == ["CPU:0", "CPU:1"]
    assert all(check["passed"] for check in logical["checks"])
    assert logical["bytes_per_device"] == logical["gradient_bytes"] > 1e6
    assert logical["overhead"] < 1


def test_data_parallel_is_tensorflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "backend_name", lambda: "jax")
    document = measure_data_parallel(DataParallel(), CONTEXT)
    assert document["logical"] is None
    assert [row["why"] for row in document["rows"]] == [
        "MirroredStrategy belongs to TensorFlow; Keras runs on jax"
    ]


def test_what_does_not_fit_into_memory_is_told() -> None:
    small = Context(Sampling(5), MemoryBudget(1e-9), Silent(), 0)
    for document in (
        measure_data_parallel(DataParallel(), small),
        measure_model_parallel(ModelParallel(), small),
    ):
        assert document["rows"] == []
        assert "MiB are allowed" in document["why"]
        assert "batch_size" in document["hint"]


def test_model_parallel_is_checked_on_logical_devices() -> None:
    section = ModelParallel(batch_size=3, micro_batches=3)
    document = json.loads(json.dumps(measure_model_parallel(section, CONTEXT), allow_nan=False))
    assert document["rows"] == []
    assert document["devices"] == ["CPU:0", "CPU:1"]
    assert len(document["checks"]) == 5
    assert all(check["passed"] for check in document["checks"])
    skips = [row for row in document["boundaries"] if row["tensors"] > 1]
    assert skips
    assert document["boundaries"][-1]["forward_bytes"] == 4 * 7 * 7 * 128
