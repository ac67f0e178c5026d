"""Nets that compare images, as the server sees them: their classes are enrolled while it runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.naming.class_names import is_text, nfc
from dlpractice.data.oneshot.query_files import load_query
from dlpractice.recipes.inference.enrolment import UNKNOWN
from dlpractice.recipes.inference.enrolment_index import Enrolment
from dlpractice.recipes.predict.identification import name_query
from dlpractice.recipes.serve.request_errors import RequestError
from dlpractice.recipes.serve.served_model import Floats

if TYPE_CHECKING:  # it needs TensorFlow
    from dlpractice.recipes.oneshot.comparer import Comparer

_LONGEST = 100


class ServedComparer:
    """A net that compares images, and the classes that it knows at present; see `ServedModel`.

    enrolment: the classes at the beginning; None for none. What is enrolled is forgotten with the server.
    """

    output = "embeddings"

    def __init__(self, name: str, comparer: "Comparer", enrolment: Enrolment | None = None) -> None:
        self.name, self.comparer = name, comparer
        self.nameless = "recording.wav" if comparer.note.kind == "recordings" else "image"
        self.output_size = self.compute(np.zeros((1, *self.row_shape), np.float32)).shape[1]
        self.threshold = float(comparer.judge(np.array([comparer.threshold], np.float32))[0])
        self._enrolment = enrolment or Enrolment((), np.zeros((0, self.output_size), np.float32))

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._enrolment.class_names

    @property
    def row_shape(self) -> tuple[int, int, int]:
        side = self.comparer.note.look.image_size
        return side, side, 1 if self.comparer.note.colour == "grey" else 3

    def decode(self, content: bytes, name: str) -> NDArray[np.uint8]:
        return load_query(content, self.comparer.note, name)

    def compute(self, pixels: Floats) -> Floats:
        return self.comparer.embed_pixels(pixels)

    def describe(self, row: Floats, top: int, min_confidence: float | None) -> dict[str, Any]:
        if min_confidence is not None:
            raise RequestError(400, f"{self.name} compares images, and has a threshold of its own")
        enrolment = self._enrolment
        if not enrolment.class_names:
            raise RequestError(409, "no class is enrolled yet", "enrol one with one picture of it")
        return {**name_query(self.comparer, row, enrolment, top), "threshold": self.threshold}

    def make_scorer(self, label: str) -> Callable[[Floats], NDArray[np.float64]]:
        example = self._enrolment.embeddings[[self._place(label)]]
        return lambda rows: np.asarray(self.comparer.compare(rows, example)[:, 0], np.float64)

    def activate(self, pixels: NDArray[np.uint8], label: str) -> None:
        """There is no class activation: an embedding's likeness to another is no sum over places."""

    def settle_label(self, label: str) -> str:
        """The name under which a class can be enrolled. Raises RequestError where it cannot."""
        name = nfc(label.strip())
        if not name or len(name) > _LONGEST or not is_text(name) or not name.isprintable():
            raise RequestError(
                400, f"a class needs a name of 1 to {_LONGEST} characters", "send it as `label`"
            )
        if name == UNKNOWN:
            raise RequestError(
                400, f"{UNKNOWN} is what an image of no class is called", "choose another name"
            )
        if name in self.class_names:
            raise RequestError(409, f"{name} is enrolled already", "remove it first, or choose another name")
        return name

    def enrol(self, label: str, embedding: Floats) -> None:
        """Adds a class of a settled name, known by the (D,) embedding of one picture."""
        label = self.settle_label(label)  # another request may have been faster
        embeddings = np.concatenate([self._enrolment.embeddings, embedding[np.newaxis]])
        self._enrolment = Enrolment((*self.class_names, label), embeddings)

    def remove(self, label: str) -> None:
        """Forgets a class. Raises RequestError where there is none of the name."""
        place = self._place(label)
        names = (*self.class_names[:place], *self.class_names[place + 1 :])
        self._enrolment = Enrolment(names, np.delete(self._enrolment.embeddings, place, axis=0))

    def _place(self, label: str) -> int:
        if label not in self.class_names:
            raise RequestError(404, f"no class is called {label}")
        return self.class_names.index(label)
