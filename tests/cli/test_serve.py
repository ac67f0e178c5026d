"""`dlp serve` as a process: it answers on its port, and ends orderly; what it cannot do, it says."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from dlpractice.cli import serve
from dlpractice.cli.main import app
from dlpractice.errors import DlpError

# Asks its own process over the socket, then ends it as a supervisor would.
SCRIPT = """
import io, json, signal, sys, threading, time
import requests
from PIL import Image
from dlpractice.cli.main import main

def ask():
    url = f"http://127.0.0.1:{sys.argv[-1]}/predict"
    file = io.BytesIO()
    Image.new("RGB", (9, 9), (0, 0, 250)).save(file, "PNG")
    while True:
        try:
            answer = requests.post(url, data=file.getvalue(), timeout=20)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    print(answer.text, file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=ask, daemon=True).start()
main()
"""


@pytest.fixture
def mean_colour(tmp_path: Path) -> Path:
    """An exported net that tells red, green and blue apart by the mean colour."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", number, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info("probabilities", number, ["N", 3])],
        [onnx.numpy_helper.from_array(np.array([1, 2]), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    note = {"image_size": 8, "decoded_size": 8, "colour": "colour", "resize": "crop", "decoding": ""}
    note = {"class_names": ["red", "green", "blue"], "input": {**note, "background": "#ffffff"}}
    helper.set_model_props(model, {"dlpractice": json.dumps(note)})
    onnx.save(model, tmp_path / "mean-colour.onnx")
    return tmp_path / "mean-colour.onnx"


def test_a_file_is_served_until_the_process_is_told_to_end(
    fork: Callable[..., Any], mean_colour: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    status, output, messages = fork(SCRIPT, "serve", str(mean_colour), "--port", str(port)).finish()
    assert status == 0, messages
    assert output.splitlines() == [f"http://127.0.0.1:{port}"]
    answer = json.loads(next(line for line in messages.splitlines() if line.startswith("{")))
    assert answer["model"] == "mean-colour" and answer["predictions"][0]["predicted"] == "blue"


def test_a_port_that_is_taken_is_said_before_a_net_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["serve", str(tmp_path / "nothing"), "--port", str(port)])
    assert isinstance(result.exception, DlpError) and f"127.0.0.1:{port}" in result.exception.message
    assert "--port" in result.exception.hint


def test_packages_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else name)
    result = CliRunner().invoke(app, ["serve", "run"])
    assert isinstance(result.exception, DlpError) and "uvicorn" in result.exception.message
    assert "dlpractice[serve]" in result.exception.hint


@pytest.mark.parametrize("wrong", [["--coverage", "2"], ["--coverage", "0.5", "--min-confidence", "0.5"]])
def test_options_that_cannot_be_are_a_matter_of_usage(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["serve", "run", *wrong]).exit_code == 2
