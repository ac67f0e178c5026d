"""`POST /heat-map` over a real socket."""

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from small_server import SIDE, Colours, Running, paint

from dlpractice.recipes.serve.routes.heat_map_routes import HeatMap
from dlpractice.recipes.serve.served_model import ServedClassifier


def half_red() -> bytes:
    """Blue, but for the left quarter."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[..., 2] = 250
    pixels[:, : SIDE // 4] = [250, 0, 0]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_what_is_red_speaks_for_red(colours: Running) -> None:
    found = colours.post("/heat-map", data=half_red(), params={"label": "red"}).json()
    grid = np.array(HeatMap.model_validate(found).map)
    assert found["label"] == "red" and found["method"] == "occlusion"
    assert grid.max() == 1 and grid[:, :2].min() > 0.3 and grid[:, 4:].max() == 0
    square = Image.open(io.BytesIO(base64.b64decode(found["picture"].partition(",")[2])))
    assert square.size == (SIDE, SIDE) and square.getpixel((0, 0)) == (250, 0, 0)
    assert colours.post("/heat-map", data=half_red()).json()["label"] == "blue"


def test_class_activation_is_taken_where_the_net_has_it(serve: Callable[..., Running]) -> None:
    net = Colours()
    net.activation = lambda pixels, label: np.array([[0, label], [-1, 4]])  # type: ignore[assignment]
    found = serve(ServedClassifier("own", net)).post("/heat-map", data=half_red(), params={"label": "blue"})
    assert found.json()["method"] == "class activation" and found.json()["map"] == [[0, 0.5], [0, 1]]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"data": half_red(), "params": {"label": "pink"}}, 404),
        ({"data": b"junk"}, 422),
        ({"files": [("a", paint((1, 2, 3)))] * 2}, 400),
        ({"files": {"note": (None, "no file")}}, 400),
    ],
)
def test_what_cannot_be_drawn_is_refused(colours: Running, request_: dict[str, object], status: int) -> None:
    answer = colours.post("/heat-map", **request_)
    assert answer.status_code == status and answer.json()["error"]
