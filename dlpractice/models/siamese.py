"""Two images in, the probability that they are of one class out: what a one-shot run trains and keeps."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from dlpractice.layers.similarity import Similarity
from dlpractice.models.model_file import copy_plainly

_PACKAGE = "dlpractice"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Verdict(keras.layers.Layer):  # type: ignore[misc]
    """Turns a similarity into the probability of "same", where both answers are equally likely beforehand.

    The probability is sigmoid(slope * similarity + intercept), fitted to pairs that were not trained on
    (Platt 1999).

    threshold: a pair whose similarity is at least this is taken for the same.
    false_accept_rate: the share of different validation pairs that the threshold was allowed to let pass.
    side, resize, background: a note, which says how an image file becomes pixels before the model sees it.
    """

    def __init__(
        self,
        slope: float = 1.0,
        intercept: float = 0.0,
        threshold: float = 0.0,
        false_accept_rate: float = 0.5,
        kind: str = "images",
        side: int = 0,
        resize: str = "stretch",
        background: str = "#ffffff",
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype="float32", name=kwargs.pop("name", "verdict"), trainable=False)
        self.slope, self.intercept = slope, intercept
        self.threshold, self.false_accept_rate = threshold, false_accept_rate
        self.kind, self.side, self.resize, self.background = kind, side, resize, background

    def call(self, similarities: Any) -> Any:
        return ops.sigmoid(self.slope * similarities + self.intercept)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        curve = ("slope", "intercept", "threshold", "false_accept_rate")
        note = ("kind", "side", "resize", "background")
        return {**super().get_config(), **{name: getattr(self, name) for name in (*curve, *note)}}


@dataclass(frozen=True)
class Siamese:
    """One encoder for both images, a similarity of their embeddings, and a verdict on it, in one `model`."""

    model: keras.Model
    encoder: keras.Model
    similarity: Similarity
    verdict: Verdict


def build_siamese(encoder: keras.Model, similarity: Similarity, verdict: Verdict) -> Siamese:
    """Joins the parts to a model of two batches (N, S, S, C) in 0..255, which gives (N,) probabilities.

    Bromley et al. 1993, Signature verification using a Siamese time delay neural network.
    """
    pair = [keras.Input(encoder.input_shape[1:], name=name) for name in ("first", "second")]
    similarities = similarity([encoder(image) for image in pair])
    return Siamese(keras.Model(pair, verdict(similarities)), encoder, similarity, verdict)


def spell_out(siamese: Siamese) -> keras.Model:
    """The same model in layers of Keras's own."""
    encoder = copy_plainly(siamese.encoder)
    pair = [keras.Input(encoder.input_shape[1:], name=name) for name in ("first", "second")]
    similarities = siamese.similarity.spell_out(*(encoder(image) for image in pair))
    judge = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="verdict")
    probabilities = judge(similarities)
    judge.set_weights([np.array([[siamese.verdict.slope]]), np.array([siamese.verdict.intercept])])
    flat = keras.layers.Reshape((), dtype="float32", name="verdict_of_each_pair")
    return keras.Model(pair, flat(probabilities), name="siamese")


def put_together(model: keras.Model, similarity: Similarity, verdict: Verdict) -> Siamese:
    """The parts of a model that was spelt out; `similarity` gets the model's weights.

    Raises ValueError where the model has no such parts.
    """
    encoder = model.get_layer("encoder")
    similarity.build([encoder.output_shape] * 2)
    similarity.read_back(model)
    return build_siamese(encoder, similarity, verdict)


def take_apart(model: keras.Model) -> Siamese | None:
    """The parts of a model that was saved by an earlier version, or None where it is no Siamese net."""
    parts = [
        [layer for layer in model.layers if isinstance(layer, kind)]
        for kind in (keras.Model, Similarity, Verdict)
    ]
    if any(len(found) != 1 for found in parts):
        return None
    return Siamese(model, *(found[0] for found in parts))
