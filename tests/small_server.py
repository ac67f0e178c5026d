"""A server on a real socket, in a thread of the tests' process, around a net that is a line of NumPy."""

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.files.decoding import Look
from dlpractice.data.oneshot.query_files import Note
from dlpractice.recipes.serve.application import make_server
from dlpractice.recipes.serve.served_model import ServedModel
from dlpractice.recipes.serve.service import Service
from dlpractice.recipes.serve.uploads import Bounds

Floats = NDArray[np.float32]

SIDE = 8


@dataclass
class Colours:
    """A classifier in TrainedClassifier's place: how much of an image is red, green and blue."""

    class_names: tuple[str, ...] = ("red", "green", "blue")
    look: Look = field(default_factory=lambda: Look(SIDE))
    calibration: None = None
    activation: None = None
    batches: list[int] = field(default_factory=list)

    def probabilities(self, pixels: Floats) -> Floats:
        self.batches.append(len(pixels))
        amounts = pixels.mean((1, 2)) + 1e-3
        return np.asarray(amounts / amounts.sum(1, keepdims=True), np.float32)


@dataclass
class MeanColour:
    """In Comparer's place: an embedding is the mean colour, and likeness how near two are."""

    note: Note = field(default_factory=lambda: Note("images", Look(8), "colour"))
    threshold: float = -0.5

    def embed_pixels(self, pixels: Floats) -> Floats:
        return np.asarray(pixels.mean((1, 2)) / 255, np.float32)

    def compare(self, queries: Floats, classes: Floats) -> Floats:
        return -np.linalg.norm(queries[:, None] - classes[None], axis=2)

    def judge(self, similarities: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-10 * (similarities + 0.5))), np.float32)


@dataclass
class Running:
    """A server at work. url: its address."""

    url: str
    port: int
    service: Service
    server: Any
    thread: threading.Thread

    def post(self, path: str, **request: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=20, **request)

    def get(self, path: str, **request: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=20, **request)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextmanager
def serving(model: ServedModel, bounds: Bounds | None = None) -> Iterator[Running]:
    service = Service(model, bounds)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = make_server(service, ("127.0.0.1",))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Running(f"http://127.0.0.1:{port}", port, service, server, thread)
        finally:
            server.should_exit = True
            thread.join()


def paint(colour: tuple[int, int, int], kind: str = "PNG", size: tuple[int, int] = (20, 10)) -> bytes:
    """The bytes of an image of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()
