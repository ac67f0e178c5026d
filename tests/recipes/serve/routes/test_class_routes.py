"""Classes that are enrolled with one picture while the server runs, over a real socket."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from small_server import MeanColour, Running, paint

from dlpractice.recipes.inference.enrolment_index import Enrolment
from dlpractice.recipes.serve.routes.class_routes import Classes
from dlpractice.recipes.serve.served_comparer import ServedComparer

RED, GREEN, BLUE = paint((220, 20, 20)), paint((20, 220, 20)), paint((20, 20, 220))


@pytest.fixture
def comparing(serve: Callable[..., Running]) -> Running:
    return serve(ServedComparer("colours", MeanColour()))


def enrol(running: Running, label: str, content: bytes = RED) -> Any:
    return running.post("/classes", data={"label": label}, files={"file": ("a.png", content)})


def test_a_class_is_enrolled_with_one_picture_and_removed(comparing: Running) -> None:
    refused = comparing.post("/predict", data=RED)
    assert refused.status_code == 409 and "enrolled" in refused.json()["error"]
    assert enrol(comparing, " warm ").json()["classes"] == ["warm"]
    assert enrol(comparing, "cold/é", BLUE).status_code == 201
    (row,) = comparing.post("/predict", data=paint((200, 30, 30))).json()["predictions"]
    assert row["predicted"] == "warm" and row["known"] is True and row["threshold"] == pytest.approx(0.5)
    assert [one["label"] for one in row["top"]] == ["warm", "cold/é"]
    (row,) = comparing.post("/predict", data=GREEN).json()["predictions"]
    assert row["predicted"] == "unknown" and row["known"] is False
    left = forget(comparing, "warm").json()
    assert Classes.model_validate(left) == Classes(
        model="colours", classes=("cold/é",), threshold=0.5, can_enrol=True
    )
    (row,) = comparing.post("/predict", data=RED).json()["predictions"]
    assert [one["label"] for one in row["top"]] == ["cold/é"]


def forget(running: Running, label: str) -> Any:
    return requests.delete(running.url + "/classes", params={"label": label}, timeout=20)


@pytest.mark.parametrize("label", ["", "  ", "unknown", "x" * 101, "a\nb", "warm"])
def test_names_that_cannot_be_are_refused(comparing: Running, label: str) -> None:
    assert enrol(comparing, "warm").status_code == 201
    answer = enrol(comparing, label)
    assert answer.status_code == (409 if label == "warm" else 400) and answer.json()["error"]
    assert comparing.get("/classes").json()["classes"] == ["warm"]


def test_pictures_that_cannot_be_used_enrol_nothing(comparing: Running) -> None:
    assert enrol(comparing, "junk", b"junk").status_code == 422
    assert comparing.post("/classes", data={"label": "a"}).status_code == 400
    two = [("a", ("a.png", RED)), ("b", ("b.png", BLUE))]
    assert comparing.post("/classes", data={"label": "a"}, files=two).status_code == 400
    assert forget(comparing, "nobody").status_code == 404
    assert comparing.get("/classes").json()["classes"] == []
    enrol(comparing, "a")
    wish = comparing.post("/predict", data=RED, params={"min_confidence": 0.5})
    assert wish.status_code == 400 and "threshold of its own" in wish.json()["error"]


def test_a_classifier_keeps_its_classes(colours: Running) -> None:
    assert colours.get("/classes").json()["can_enrol"] is False
    assert enrol(colours, "pink").status_code == forget(colours, "red").status_code == 405


def test_classes_that_are_known_from_the_beginning_and_their_tensors(serve: Callable[..., Running]) -> None:
    known = Enrolment(("warm",), np.array([[0.8, 0.1, 0.1]], np.float32))
    running = serve(ServedComparer("colours", MeanColour(), known))
    assert running.post("/predict", data=RED).json()["predictions"][0]["predicted"] == "warm"
    described = running.get("/v2/models/colours").json()
    assert described["outputs"] == [{"name": "embeddings", "datatype": "FP32", "shape": [-1, 3]}]


def test_what_makes_a_picture_like_its_class_is_drawn(serve: Callable[..., Running]) -> None:
    known = Enrolment(("warm",), np.array([[1, 0, 0]], np.float32))
    running = serve(ServedComparer("colours", MeanColour(), known))
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:2, :, 0] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    found = running.post("/heat-map", data=file.getvalue()).json()
    grid = np.array(found["map"])
    assert found["method"] == "occlusion" and found["label"] == "warm" and grid[:2].min() > grid[3:].max()
