"""A model as the server sees it, and the classifiers among them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.files.decoding import load_pixels
from dlpractice.recipes.inference.abstention import choose_abstention, describe_answer
from dlpractice.recipes.serve.request_errors import RequestError

if TYPE_CHECKING:  # it needs TensorFlow
    from dlpractice.recipes.inference.trained_classifier import TrainedClassifier

Floats = NDArray[np.float32]

_TINY = 1e-30


class ServedModel(Protocol):
    """What every model can do.

    name: in addresses. nameless: what a file is called that has no name. output: what its rows are.
    """

    @property
    def name(self) -> str: ...

    @property
    def nameless(self) -> str: ...

    @property
    def output(self) -> str: ...

    @property
    def output_size(self) -> int:
        """D, the numbers in a row."""

    @property
    def threshold(self) -> float | None:
        """The confidence below which an answer names no class."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that an answer may name."""

    @property
    def row_shape(self) -> tuple[int, int, int]:
        """(S, S, C) of the pixels that `decode` gives."""

    def decode(self, content: bytes, name: str) -> NDArray[np.uint8]:
        """The bytes of a file as (S, S, C) pixels, as in training. Raises ImageError."""

    def compute(self, pixels: Floats) -> Floats:
        """(n, S, S, C) in 0..255 -> (n, D); only the net's thread calls it."""

    def make_scorer(self, label: str) -> Callable[[Floats], NDArray[np.float64]]:
        """From (n, D) rows to (n,) scores: the higher, the more speaks for the class.

        Raises:
            RequestError: there is no such class.
        """

    def activate(self, pixels: NDArray[np.uint8], label: str) -> NDArray[np.float64] | None:
        """(S, S, C) pixels -> (h, w) class activations, see `class_activation`; None of nets without."""

    def describe(self, row: Floats, top: int, min_confidence: float | None) -> dict[str, Any]:
        """What a (D,) row says: predicted, confidence in [0, 1], and the `top` likeliest classes.

        min_confidence: in the place of what the server was started with; None for that.

        Raises:
            DlpError: it cannot say anything so.
        """


@dataclass(frozen=True)
class ServedClassifier:
    """A classifier; an answer with a confidence below `threshold` is `unsure`, none where that is None."""

    name: str
    classifier: "TrainedClassifier"
    threshold: float | None = None

    nameless = "image"
    output = "probabilities"

    @property
    def class_names(self) -> tuple[str, ...]:
        """See `ServedModel`, here and below."""
        return self.classifier.class_names

    @property
    def output_size(self) -> int:
        return len(self.class_names)

    @property
    def row_shape(self) -> tuple[int, int, int]:
        side = self.classifier.look.image_size
        return side, side, 3

    def decode(self, content: bytes, name: str) -> NDArray[np.uint8]:
        return load_pixels(content, self.classifier.look, name)

    def compute(self, pixels: Floats) -> Floats:
        return self.classifier.probabilities(pixels)

    def make_scorer(self, label: str) -> Callable[[Floats], NDArray[np.float64]]:
        place = self._place(label)
        return lambda rows: np.log(np.maximum(rows[:, place].astype(np.float64), _TINY))

    def activate(self, pixels: NDArray[np.uint8], label: str) -> NDArray[np.float64] | None:
        activation = self.classifier.activation
        return None if activation is None else activation(pixels, self._place(label))

    def describe(self, row: Floats, top: int, min_confidence: float | None) -> dict[str, Any]:
        asked = choose_abstention(self.classifier, min_confidence, None)
        threshold = asked.threshold if asked else self.threshold
        return {**describe_answer(self.class_names, row, top, threshold), "threshold": threshold}

    def _place(self, label: str) -> int:
        if label not in self.class_names:
            raise RequestError(404, f"no class is called {label}")
        return self.class_names.index(label)
