"""The Open Inference Protocol over a real socket: what its specification says of requests and answers."""

from typing import Any

import numpy as np
import pytest
from small_server import SIDE, Colours, Running

from dlpractice.recipes.serve.routes.protocol_routes import TensorAnswer

URL = "/v2/models/colours"


def ask(**changes: Any) -> dict[str, Any]:
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3))
    tensor = {
        "name": "images",
        "shape": [2, SIDE, SIDE, 3],
        "datatype": "UINT8",
        "data": pixels.ravel().tolist(),
    }
    return {"inputs": [tensor | changes]}


def test_a_server_tells_its_health_and_what_it_is(colours: Running) -> None:
    assert colours.get("/v2/health/live").json() == {"live": True}
    assert colours.get("/v2/health/ready").json() == {"ready": True}
    assert colours.get(URL + "/ready").json() == {"name": "colours", "ready": True}
    assert colours.get("/v2").json().keys() == {"name", "version", "extensions"}
    described = colours.get(URL).json()
    assert described["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, SIDE, SIDE, 3]}]
    assert described["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}]
    assert described["class_names"] == ["red", "green", "blue"]


@pytest.mark.parametrize("nested", [False, True])
def test_tensors_are_answered_with_tensors(colours: Running, nested: bool) -> None:
    request = ask()
    pixels = np.reshape(request["inputs"][0]["data"], request["inputs"][0]["shape"])
    request["inputs"][0] |= {"data": pixels.tolist()} if nested else {}
    answer = colours.post(
        URL + "/infer", json={**request, "id": "42", "outputs": [{"name": "probabilities"}]}
    )
    assert answer.status_code == 200, answer.text
    given = TensorAnswer.model_validate(answer.json())
    assert (given.model_name, given.id, given.outputs[0].shape) == ("colours", "42", [2, 3])
    expected = Colours().probabilities(pixels.astype(np.float32))
    np.testing.assert_allclose(np.reshape(given.outputs[0].data, (2, 3)), expected, rtol=1e-6)
    assert "id" not in colours.post(URL + "/infer", json=request).json()


ONE = np.zeros((1, SIDE, SIDE, 3))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        (ask(name="pixels"), "'pixels'"),
        (ask(datatype="BYTES"), "BYTES"),
        (ask(shape=[2, SIDE, SIDE]), "shape"),
        (ask(shape=[0, SIDE, SIDE, 3], data=[]), "shape"),
        (ask(shape=[3, SIDE, SIDE, 3]), "576"),
        (ask(data=["a"] * 384), "numbers"),
        (ask(data=[[1], [1, 2]]), "lengths"),
        (ask(data=[256] * 384), "255"),
        (ask(data=[-1] * 384), "255"),
        (ask() | {"outputs": [{"name": "logits"}]}, "'logits'"),
    ],
)
def test_what_does_not_fit_is_refused_in_the_form_of_the_protocol(
    colours: Running, request_: dict[str, Any], reason: str
) -> None:
    answer = colours.post(URL + "/infer", json=request_)
    assert answer.status_code == 400 and reason in answer.json()["error"], answer.text


def test_what_is_no_json_or_no_number_is_refused(colours: Running) -> None:
    for body in (b"", b"{", b"[" * 100_000, b'{"inputs": [{"name": "images", "data": [NaN]}]}'):
        answer = colours.post(URL + "/infer", data=body)
        assert answer.status_code == 400 and isinstance(answer.json()["error"], str)
    text = str(ask(data=[0] * 384)).replace("'", '"').replace("[0, 0", "[NaN, 0", 1)
    assert "255" in colours.post(URL + "/infer", data=text).json()["error"]


def test_another_model_is_not_found(colours: Running) -> None:
    for path in ("/v2/models/other", "/v2/models/other/ready", URL + "/versions/1"):
        assert colours.get(path).status_code == 404 and "error" in colours.get(path).json()
    assert colours.post("/v2/models/other/infer", json=ask()).status_code == 404
