"""The part `backends` against processes that answer at once, and once against TensorFlow itself."""

import json
import sys
from typing import Any

import pytest

from dlpractice.config.benchmark_sections import Backends
from dlpractice.hardware.memory import MemoryBudget
from dlpractice.hardware.timing import Sampling
from dlpractice.recipes import benchmark_backends
from dlpractice.recipes.benchmark_backends import measure_backends
from dlpractice.recipes.benchmark_context import Context
from dlpractice.runs.progress import Silent

SECTION = Backends(names=("tensorflow", "jax"), models=("siamese",), batch_size=1)
CONTEXT = Context(Sampling(5), MemoryBudget(0.5), Silent(), 0)
MEASURED = {"name": "models/siamese/inference/float32/1", "value": 5.0, "unit": "images/s"}


def answer(monkeypatch: pytest.MonkeyPatch, installed: str, script: str) -> None:
    """Only `installed` is; what runs in its place is `script`."""
    monkeypatch.setattr(benchmark_backends, "find_spec", lambda name: name == installed or None)
    monkeypatch.setattr(benchmark_backends, "_command", lambda *_: [sys.executable, "-c", script])


def test_each_backend_answers_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"parts": {"models": {"rows": [MEASURED]}}}
    script = f"import os; assert os.environ['KERAS_BACKEND'] == 'jax'; print({json.dumps(document)!r})"
    answer(monkeypatch, "jax", script)
    *absent, jax = measure_backends(SECTION, CONTEXT)["rows"]
    assert jax == MEASURED | {"name": "backends/jax/siamese/inference/float32/1"}
    assert [row["name"] for row in absent] == [
        "backends/tensorflow/siamese/inference/float32/1",
        "backends/tensorflow/siamese/training/float32/1",
    ]
    assert all(row["value"] is None and row["why"] == "tensorflow is not installed" for row in absent)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('noise\\nerror: no device\\nhint: none')", "error: no device"),
        ("import sys; sys.exit('killed')", "killed"),
        ("import time; time.sleep(60)", "it took more than 2 s"),
    ],
)
def test_a_backend_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, script: str, why: str) -> None:
    answer(monkeypatch, "jax", script)
    section = SECTION.model_copy(update={"timeout_seconds": 2.0, "names": ("jax",)})
    rows = measure_backends(section, CONTEXT)["rows"]
    assert len(rows) == 2
    assert all(row["value"] is None and row["why"] == why for row in rows)


def test_frameworks_that_ended_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "none", "")
    retired: list[dict[str, Any]] = measure_backends(SECTION, CONTEXT)["retired"]
    assert {"Theano", "Caffe"} <= {row["name"] for row in retired}
    assert all(row["kind"] == "published" and row["source"] for row in retired)


def test_tensorflow_is_measured() -> None:
    section = SECTION.model_copy(update={"names": ("tensorflow",)})
    rows = measure_backends(section, CONTEXT)["rows"]
    assert [row["name"].split("/")[1:4] for row in rows] == [
        ["tensorflow", "siamese", "inference"],
        ["tensorflow", "siamese", "training"],
    ]
    assert all(row["value"] > 0 and row["n"] == 5 for row in rows)
