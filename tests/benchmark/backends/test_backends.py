"""The part `backends` against processes that answer at once, and once against each that is installed."""

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from dlpractice.benchmark.backends import backends
from dlpractice.benchmark.backends.backends import measure_backends
from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.time_limit import NO_TIME, TimeLimit
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.config.sections.benchmark import Backends
from dlpractice.progress import Silent

SECTION = Backends(names=("tensorflow", "jax"), models=("siamese",), batch_size=1)
CONTEXT = Context(Sampling(5), MemoryBudget(0.5), Silent(), 0)
FIELDS = {"net": "siamese", "work": "inference", "precision": "float32", "compiler": "default", "batch": 1}
MEASURED = {"name": "models/siamese/inference/float32/1", "value": 5.0, "unit": "images/s", **FIELDS}
KNOWN = {"threads": 2, "versions": {"jax": "1.0"}}
DOCUMENT = {"environment": {**KNOWN, "governor": None}, "parts": {"models": {"rows": [MEASURED]}}}


def answer(monkeypatch: pytest.MonkeyPatch, installed: str, script: str) -> None:
    """Only `installed` is; what runs in its place is `script`."""
    monkeypatch.setattr(backends, "find_spec", lambda name: name == installed or None)
    for name, runner in backends._RUNNERS.items():
        stand_in = replace(runner, command=lambda *_: [sys.executable, "-c", script])
        monkeypatch.setitem(backends._RUNNERS, name, stand_in)


def test_each_backend_answers_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"import os; assert os.environ['KERAS_BACKEND'] == 'jax'; print({json.dumps(DOCUMENT)!r})"
    answer(monkeypatch, "jax", script)
    *absent, jax = measure_backends(SECTION, CONTEXT)["rows"]
    name = "backends/jax/siamese/inference/float32/1"
    assert jax == MEASURED | KNOWN | {"name": name, "backend": "jax"}
    assert [row["name"] for row in absent] == [
        f"backends/tensorflow/siamese/{work}/float32/1{compiler}"
        for work in ("inference", "training")
        for compiler in ("", "/xla")
    ]
    assert {row["backend"] for row in absent} == {"tensorflow"}
    why = "tensorflow not installed; pip install 'dlpractice' brings it"
    assert all((row["value"], row["why"]) == (None, why) for row in absent)


def test_a_backend_may_take_the_time_that_is_left_and_does_not_begin_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(monkeypatch, "jax", f"print({json.dumps(DOCUMENT)!r})")
    told: list[float] = []
    jax = backends._RUNNERS["jax"]

    def command(section: Backends, context: Context, folder: str) -> list[str]:
        told.append(context.time.left())
        return list(jax.command(section, context, folder))

    monkeypatch.setitem(backends._RUNNERS, "jax", replace(jax, command=command))
    limited = replace(CONTEXT, time=TimeLimit(100.0, lambda: 90.0))
    rows = measure_backends(SECTION, limited)["rows"]
    assert told == [10.0]
    assert rows[-1]["value"] == 5.0
    over = replace(CONTEXT, time=TimeLimit(100.0, lambda: 99.0))
    assert [row["why"] for row in measure_backends(SECTION, over)["rows"]][-1] == NO_TIME


def test_onnx_runtime_without_its_packages_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "tensorflow", "")
    (row,) = measure_backends(SECTION.model_copy(update={"names": ("onnxruntime",)}), CONTEXT)["rows"]
    assert row["name"] == "backends/onnxruntime/siamese/inference/float32/1"
    assert row["why"].startswith("onnxruntime, onnx, tf2onnx not installed; ")
    assert "dlpractice[onnx]" in row["why"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('noise\\nerror: no device\\nhint: none')", "error: no device"),
        ("import sys; sys.exit('no luck')", "no luck"),
        ("import os; os.kill(os.getpid(), 9)", "its process was ended by SIGKILL"),
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


# TensorFlow's rows are measured in tests/benchmark/models; here in a process of its own it would be the same.
@pytest.mark.parametrize("name", ["jax", "onnxruntime"])
def test_each_is_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # That it can be measured is asked here, not how fast it is: XLA compiles in a third less time so.
    runner = backends._RUNNERS[name]
    quick = replace(runner, environment=runner.environment | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"})
    monkeypatch.setitem(backends._RUNNERS, name, quick)
    rows = measure_backends(SECTION.model_copy(update={"names": (name,)}), CONTEXT)["rows"]
    kinds = ["inference"] if name == "onnxruntime" else ["inference", "training"]
    assert [row["name"] for row in rows] == [f"backends/{name}/siamese/{kind}/float32/1" for kind in kinds]
    if name == "onnxruntime":
        assert rows[0]["provider"] == "CPUExecutionProvider"
    assert all(row["value"] > 0 and row["n"] == 5 for row in rows), rows
    assert all(row["threads"] >= 1 and name in row["versions"] for row in rows)
