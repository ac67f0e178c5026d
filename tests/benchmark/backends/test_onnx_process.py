"""Rows of ONNX Runtime, and those of nets that it gets wrong or cannot take."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from dlpractice.benchmark.backends import onnx_process
from dlpractice.benchmark.backends.onnx_process import TOLERANCE, answer
from dlpractice.benchmark.device.backend import Compiled

REQUEST = {
    "nets": ["koch", "vgg16"],
    "batch_size": 3,
    "seed": 0,
    "sampling": {"repetitions": 5},
    "memory_share": 0.5,
}


@pytest.fixture(autouse=True)
def small_net(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(name: str, seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])

    monkeypatch.setattr(onnx_process, "build_net", build)


def rows(**changes: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(REQUEST | changes)["parts"]["models"]["rows"]
    return found


def test_each_net_is_checked_and_measured() -> None:
    document = answer(REQUEST)
    assert document["environment"]["threads"] >= 1
    assert set(document["environment"]["versions"]) == {"onnxruntime", "onnx", "tf2onnx"}
    found = document["parts"]["models"]["rows"]
    assert [row["name"] for row in found] == [
        f"models/{name}/inference/float32/3" for name in REQUEST["nets"]
    ]
    for row in found:
        assert row["value"] > 0
        assert row["n"] == 5
        assert 0 <= row["difference"] < row["tolerance"] == TOLERANCE


@pytest.mark.parametrize("factor", [1 + 2 * TOLERANCE, float("nan")])
def test_wrong_outputs_are_not_timed(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = onnx_process.open_session

    def wrong(model: bytes, threads: int) -> Compiled:
        call = right(model, threads)
        return Compiled(lambda images: call(images) * np.float32(factor), call.how)

    monkeypatch.setattr(onnx_process, "open_session", wrong)
    found = rows()
    assert len(found) == len(REQUEST["nets"])
    for row in found:
        assert row["value"] is None
        assert row["why"].startswith("outputs differ from Keras's by ")


def test_a_net_that_cannot_be_converted_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    right, seen = onnx_process.convert, []

    def fails_once(net: keras.Model, batch: int) -> bytes:
        seen.append(batch)
        if len(seen) == 1:
            raise NotImplementedError("no such operation\nin this opset")
        return right(net, batch)

    monkeypatch.setattr(onnx_process, "convert", fails_once)
    first, second = rows()
    assert (first["value"], first["why"]) == (None, "NotImplementedError: no such operation")
    assert second["value"] > 0


def test_what_needs_more_than_its_share_of_memory_says_so() -> None:
    found = rows(memory_share=1e-12)
    assert ["MiB are allowed" in row["why"] for row in found] == [True] * len(REQUEST["nets"])
