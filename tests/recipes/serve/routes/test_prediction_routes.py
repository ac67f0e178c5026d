"""What `POST /predict` answers, over a real socket: classes as `dlp predict` gives them, or why not."""

import io
import json
import re
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from small_server import SIDE, Colours, Running, paint

from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.recipes.serve.routes.prediction_routes import Answers
from dlpractice.recipes.serve.served_model import ServedClassifier
from dlpractice.recipes.serve.uploads import Bounds

RED, GREEN = paint((220, 20, 20)), paint((20, 220, 20))


def draw_noise(side: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(file, kind)
    return file.getvalue()


NOISE = draw_noise(60)


def test_the_bytes_of_a_file_are_answered(colours: Running) -> None:
    answer = colours.post("/predict", data=RED)
    assert answer.status_code == 200
    (row,) = answer.json()["predictions"]
    assert Answers.model_validate(answer.json()).model == "colours"
    expected = np.array([220, 20, 20]) / 260
    assert row["top"][0]["label"] == row["predicted"] == "red"
    assert row["confidence"] == pytest.approx(expected[0], abs=1e-3)
    assert sum(one["confidence"] for one in row["top"]) == pytest.approx(1)
    assert answer.json()["model"] == "colours"


def test_files_of_a_form_are_answered_in_order_and_a_bad_one_with_its_error(colours: Running) -> None:
    files = [("a", ("1.png", RED)), ("b", ("2.jpg", b"junk")), ("a", ("3.png", GREEN))]
    answer = colours.post("/predict", files=files, params={"top": 2})
    assert answer.status_code == 200
    rows = answer.json()["predictions"]
    assert [row["path"] for row in rows] == ["1.png", "2.jpg", "3.png"]
    assert [row.get("predicted") for row in rows] == ["red", None, "green"]
    assert "no image" in rows[1]["error"] and len(rows[0]["top"]) == 2


def test_pixels_are_those_of_training(serve: Callable[..., Running], tmp_path: Path) -> None:
    """A turned photograph of odd size: EXIF orientation, JPEG's own shrinking and the resize are the same."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).resize((1800, 1200)).save(tmp_path / "a.jpg", exif=exif)
    seen: list[Any] = []
    net = Colours(look=Look(SIDE, "crop"))
    model = ServedClassifier("odd", net)
    running = serve(model)
    net.probabilities = lambda pixels: seen.append(pixels) or np.full((len(pixels), 3), 1 / 3, np.float32)  # type: ignore[method-assign]
    assert running.post("/predict", data=(tmp_path / "a.jpg").read_bytes()).ok
    np.testing.assert_array_equal(seen[0][0], load_pixels(tmp_path / "a.jpg", net.look))


def test_unsure_is_answered_below_the_threshold_of_the_server_or_the_request(
    serve: Callable[..., Running],
) -> None:
    running = serve(ServedClassifier("shy", Colours(), 0.9))
    (row,) = running.post("/predict", data=RED).json()["predictions"]
    assert row["predicted"] == "unsure" and row["top"][0]["label"] == "red" and row["threshold"] == 0.9
    for least, said in ((0.5, "red"), (0.99, "unsure")):
        rows = running.post("/predict", data=RED, params={"min_confidence": least}).json()["predictions"]
        assert rows[0]["predicted"] == said


def giant() -> bytes:
    """The head of a PNG of 20,000 x 20,000 pixels."""
    size = struct.pack(">II", 20_000, 20_000)
    return (
        RED[:16] + size + RED[24:29] + struct.pack(">I", zlib.crc32(b"IHDR" + size + RED[24:29])) + RED[33:]
    )


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        ({"data": b""}, 422, "empty"),
        ({"data": b"junk"}, 422, "no image"),
        ({"data": NOISE[:5000]}, 422, "cut short"),
        ({"data": giant()}, 413, "pixels"),
        ({"data": b"%PDF-1.4", "files": None}, 422, "no image"),
        ({"files": [("a", ("a.pdf", b"%PDF-1.4")), ("b", ("b.png", b""))]}, 422, "none of the 2"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400, "form"),
        ({"files": {"note": (None, "no file")}}, 400, "no image"),
        ({"data": RED, "params": {"top": 0}}, 400, "top"),
        ({"data": RED, "params": {"min_confidence": 2}}, 400, "min_confidence"),
        ({"data": RED, "headers": {"Origin": "http://elsewhere.example"}}, 403, "elsewhere"),
        ({"data": RED, "headers": {"Host": "elsewhere.example"}}, 403, "elsewhere"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    colours: Running, request_: dict[str, Any], status: int, reason: str
) -> None:
    answer = colours.post("/predict", **request_)
    assert answer.status_code == status, answer.text
    assert reason in answer.json()["error"]


def test_paths_and_methods_that_are_not_there_are_refused_in_the_same_form(colours: Running) -> None:
    assert colours.get("/nothing").status_code == 404 and "error" in colours.get("/nothing").json()
    assert colours.get("/predict").status_code == 405 and "error" in colours.get("/predict").json()


def test_the_interface_describes_itself(colours: Running) -> None:
    described = colours.get("/openapi.json").json()
    contents = described["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "application/octet-stream"} <= contents.keys()
    text = colours.get("/openapi.json").text
    for name in set(re.findall(r'"#/components/schemas/(\w+)"', text)):
        assert name in described["components"]["schemas"]
    assert text.count('"$ref":"#/components') == text.count('"$ref"') > 5
    assert colours.get("/docs").status_code == 404  # it would load scripts from elsewhere


@pytest.mark.parametrize("sent", ["body", "form"])
def test_too_many_bytes_are_refused_before_they_are_kept(serve: Callable[..., Running], sent: str) -> None:
    running = serve(ServedClassifier("small", Colours()), Bounds(request_bytes=100_000))
    large = bytes(150_000)
    answer = running.post("/predict", **({"data": large} if sent == "body" else {"files": {"a": large}}))
    assert answer.status_code == 413 and "100,000 bytes" in answer.json()["error"]
    assert running.service.desk.held == 0
    assert running.post("/predict", data=RED).ok


def test_too_many_files_and_too_many_bytes_of_all_requests_are_refused(serve: Callable[..., Running]) -> None:
    running = serve(ServedClassifier("small", Colours()), Bounds(files=2, held_bytes=1000, waiting=1))
    answer = running.post("/predict", files=[("a", ("a", b"x"))] * 3)
    assert answer.status_code == 413 and "2 parts" in answer.json()["error"]
    busy = running.post("/predict", data=bytes(2000))
    assert busy.status_code == 503 and busy.headers["Retry-After"] == "1"
    busy = running.post("/predict", files=[("a", ("a", RED))] * 2)
    assert busy.status_code == 503 and "wait" in busy.json()["error"]


def test_a_slow_upload_is_ended_and_one_that_breaks_off_forgotten(serve: Callable[..., Running]) -> None:
    running = serve(ServedClassifier("small", Colours()), Bounds(seconds=0.2))
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nsome"
    with running.connect() as slow:
        slow.sendall(head)
        assert b" 408 " in slow.recv(4096)
    with running.connect() as broken:
        broken.sendall(head)
    for _ in range(100):
        if "499" in running.get("/metrics").text:
            break
        time.sleep(0.02)
    assert 'status="499"' in running.get("/metrics").text
    assert running.service.desk.held == 0


def test_no_upload_is_written_to_a_disk(colours: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette keeps files of more than a megabyte in temporary ones."""

    def refuse(*arguments: Any, **more: Any) -> None:
        raise AssertionError("a temporary file is made")

    monkeypatch.setattr(tempfile, "_TemporaryFileWrapper", refuse)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    large = draw_noise(700)
    assert len(large) > 1.3e6
    rows = colours.post("/predict", files={"a": ("a.png", large)}).json()["predictions"]
    assert "error" not in rows[0]


def test_the_net_is_not_waited_for_by_others(serve: Callable[..., Running]) -> None:
    """While the net works, other requests are answered, and those that come meanwhile are one batch."""
    net, free, begun = Colours(), threading.Event(), threading.Event()
    plain = net.probabilities

    def slow(pixels: Any) -> Any:
        begun.set()
        assert free.wait(20)
        return plain(pixels)

    net.probabilities = slow  # type: ignore[method-assign]
    running = serve(ServedClassifier("slow", net))
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(running.post("/predict", data=RED))) for _ in range(5)
    ]
    threads[0].start()
    assert begun.wait(20)
    for thread in threads[1:]:
        thread.start()
    while running.service.batches.waiting < 5:
        time.sleep(0.01)
    assert running.get("/openapi.json").ok
    free.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 5
    assert net.batches == [1, 4]


def test_a_net_that_fails_fails_its_requests_alone(serve: Callable[..., Running]) -> None:
    net = Colours()
    plain = net.probabilities
    running = serve(ServedClassifier("odd", net))
    net.probabilities = lambda pixels: 1 / 0  # type: ignore[method-assign, assignment]
    failed = running.post("/predict", data=RED)
    assert failed.status_code == 500 and "ZeroDivisionError" in failed.json()["error"]
    net.probabilities = plain  # type: ignore[method-assign]
    assert running.post("/predict", data=RED).ok


def test_what_has_begun_is_answered_when_the_server_is_stopped(serve: Callable[..., Running]) -> None:
    net, begun = Colours(), threading.Event()
    plain = net.probabilities

    def slow(pixels: Any) -> Any:
        begun.set()
        time.sleep(0.3)
        return plain(pixels)

    net.probabilities = slow  # type: ignore[method-assign]
    running = serve(ServedClassifier("slow", net))
    answers: list[requests.Response] = []
    asking = threading.Thread(target=lambda: answers.append(running.post("/predict", data=RED)))
    asking.start()
    assert begun.wait(20)
    running.server.should_exit = True
    running.thread.join(20)
    asking.join()
    assert answers[0].json()["predictions"][0]["predicted"] == "red"
    with pytest.raises(requests.ConnectionError):
        running.get("/metrics")


def test_meters_count_requests_by_their_routes(serve: Callable[..., Running]) -> None:
    running = serve(ServedClassifier("counted", Colours()))
    running.post("/predict", files=[("a", ("a", RED)), ("b", ("b", b"junk"))])
    running.get("/nothing")
    told = running.get("/metrics")
    assert told.headers["Content-Type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in told.text.splitlines() if line[0] != "#")
    assert lines['dlp_requests_total{path="/predict",status="200"}'] == "1.0"
    assert lines['dlp_requests_total{path="other",status="404"}'] == "1.0"
    assert (
        lines['dlp_images_total{outcome="decoded"}'] == lines['dlp_images_total{outcome="refused"}'] == "1.0"
    )
    assert lines["dlp_batch_rows_sum"] == "1.0" and json.loads(lines["dlp_waiting_images"]) == 0
